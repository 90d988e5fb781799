"""Checks the whole configuration, settings and files together, without opening a database or a socket."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from config.films import load_films
from config.problems import ConfigError, Problem
from config.settings import Settings, load_settings
from config.sources import load_sources
from config.subscriptions import load_subscriptions
from config.topics import load_topics

T = TypeVar("T")


def check_configuration(**overrides: object) -> list[Problem]:
    """Load the settings and check everything they name; empty when all is well."""
    try:
        settings = load_settings(**overrides)  # type: ignore[arg-type]  # overrides are settings' names
    except ConfigError as error:
        return list(error.problems)
    return check_all(settings)


def check_all(settings: Settings) -> list[Problem]:
    """Check the files and folders the settings name; empty when all is well."""
    problems: list[Problem] = []
    sources = _collect(load_sources, settings.sources_file, problems)
    films = _collect(load_films, settings.films_file, problems)
    topics = _collect(load_topics, settings.topics_file, problems)
    if settings.subscriptions_file is not None:
        film_ids = None if films is None else {film.film_id for film in films}
        slugs = None if topics is None else {topic.slug for topic in topics}
        _collect(
            lambda path: load_subscriptions(path, films=film_ids, topics=slugs, allow_http=settings.webhook_allow_http),
            settings.subscriptions_file,
            problems,
        )
    if sources is not None and not any(source.enabled for source in sources):
        says = "every source is disabled; set enabled = true for one"
        problems.append(Problem(file=settings.sources_file.name, says=says))
    problems.extend(_check_folders(settings))
    return problems


def _collect(load: Callable[[Path], T], path: Path, problems: list[Problem]) -> T | None:
    try:
        return load(path)
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def _check_folders(settings: Settings) -> Iterator[Problem]:
    folders = {"SETWIRE_DATA_DIR": settings.data_dir}
    if not settings.smtp_host:
        folders["SETWIRE_MAIL_DIR"] = settings.mail_dir
    for key, folder in folders.items():
        trouble = _find_folder_trouble(folder)
        if trouble:
            says = f"{str(folder)!r} cannot be written ({trouble}); name a folder this user may write to"
            yield Problem(file="environment", key=key, says=says)


def _find_folder_trouble(folder: Path) -> str:
    """Try to write a nameless file to the folder, or to the nearest one above it that exists."""
    existing = folder.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            return ""
    except OSError as error:
        return error.strerror or "not writable"
