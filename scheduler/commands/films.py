"""`setwire films`: the catalogue that stories are tagged from."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.filmfiles import write_films
from config.films import stream_films
from config.settings import Settings, load_settings
from core.catalogue import Authority
from core.values import Alias, Film, FilmId
from crawler.fetch import Gateway
from scheduler.cataloguing import Cataloguer, SyncReport
from scheduler.commands.options import AsJson, CommandError, Limit, opened_store, reading, writing
from scheduler.output import console, reading_progress, show_fields, show_json, show_rows
from scheduler.service import build_cataloguer, fetch_settings
from store.engine import Store
from store.films import all_films, all_topics, find_film, search_films, upsert_films
from store.suggestions import (
    SuggestionError,
    accept_suggestion,
    dismiss_suggestion,
    open_suggestions,
)

app = typer.Typer(no_args_is_help=True, help="Films: the catalogue that stories are tagged from.")
_PROBLEMS_SHOWN = 10

topics_app = typer.Typer(no_args_is_help=True, help="Topics: the vocabulary of production news.")


@app.command("list")
def list_films(
    *,
    search: Annotated[str, typer.Option("--search", "-s", help="Only films whose title or alias holds this.")] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List films of the catalogue by title."""
    with reading() as tx:
        films = search_films(tx, search, limit=limit) if search else all_films(tx)[:limit]
    columns = {
        "id": lambda f: f.film_id,
        "title": lambda f: f.title,
        "year": lambda f: f.year,
        "status": lambda f: f.status,
        "directors": lambda f: f.directors,
        "aliases": lambda f: [alias.title for alias in f.aliases],
    }
    show_rows(films, columns, as_json=as_json)


@app.command("show")
def show_film(film_id: Annotated[str, typer.Argument(help="The film's id.")], *, as_json: AsJson = False) -> None:
    """Show one film with aliases and people."""
    with reading() as tx:
        film = find_film(tx, FilmId(film_id))
    if film is None:
        raise CommandError(f"There is no film {film_id!r}; `setwire films list --search WORD` finds its id.")
    if as_json:
        show_json(film)
        return
    show_fields(
        [
            ("id", film.film_id),
            ("title", film.title),
            ("year", film.year),
            ("status", film.status),
            ("aliases", list(map(_say_alias, film.aliases))),
            ("directors", film.directors),
            ("cast", [f"{name} as {film.roles[name]}" if name in film.roles else name for name in film.cast]),
            ("franchise", film.franchise),
            ("studio", film.studio),
            *film.external_ids.items(),
        ]
    )


def _say_alias(alias: Alias) -> str:
    """`Low Tide (working-title, needs context, until 2026-03-01)`."""
    words = [
        str(alias.type),
        *(["needs context"] if alias.needs_context else []),
        *(f"{name} {day}" for name, day in (("since", alias.since), ("until", alias.until)) if day),
    ]
    return f"{alias.title} ({', '.join(words)})"


@app.command("suggestions")
def list_suggestions(*, limit: Limit = 30, as_json: AsJson = False) -> None:
    """List titles that keep appearing as films and are in no catalogue, the best attested first."""
    with reading() as tx:
        found = open_suggestions(tx, limit=limit)
    columns = {
        "id": lambda s: s.suggestion_id,
        "title": lambda s: s.title,
        "year": lambda s: s.year,
        "articles": lambda s: s.article_count,
        "days": lambda s: len(s.days),
        "outlets": lambda s: s.outlets,
        "people": lambda s: s.people,
        "last sentence": lambda s: s.sightings[-1]["sentence"],
    }
    show_rows(found, columns, as_json=as_json)


@app.command("accept")
def accept(
    suggestion_id: Annotated[int, typer.Argument(metavar="SUGGESTION", min=1, help="The number in the list.")],
    *,
    title: Annotated[str, typer.Option(help="Its full title, if the suggested one is not.")] = "",
    year: Annotated[int | None, typer.Option(min=1880, max=2100, help="Its year, if known.")] = None,
) -> None:
    """Add a suggested film to the catalogue; a running service takes it up with its next batch."""
    try:
        with writing() as tx:
            film = accept_suggestion(tx, suggestion_id, title=title, year=year, now=datetime.now(UTC))
    except SuggestionError as error:
        raise CommandError(str(error)) from error
    console.print(f"film {film.film_id} is in the catalogue; `setwire films import` adds its people", markup=False)


@app.command("dismiss")
def dismiss(
    suggestion_id: Annotated[int, typer.Argument(metavar="SUGGESTION", min=1, help="The number in the list.")],
) -> None:
    """Never suggest a title again."""
    try:
        with writing() as tx:
            dismiss_suggestion(tx, suggestion_id, now=datetime.now(UTC))
    except SuggestionError as error:
        raise CommandError(str(error)) from error
    console.print(f"suggestion {suggestion_id} is dismissed", markup=False)


@app.command("import")
def import_films(
    path: Annotated[Path, typer.Argument(help="TOML, JSONL, JSONL.gz or CSV; ids already known are replaced.")],
) -> None:
    """Add or replace films from a file, all or none; a running service takes them up with its next batch."""
    film_count = sum(1 for _ in _read(path, "Checking"))
    with writing() as tx:
        count = upsert_films(tx, _read(path, "Importing"), now=datetime.now(UTC))
    same = film_count - count
    console.print(f"{count} films imported from {path}" + (f"; {same} were there already" * bool(same)), markup=False)


def _read(path: Path, task: str) -> Iterator[Film]:
    with reading_progress(task, path.stat().st_size if path.is_file() else 0) as progress:
        yield from stream_films(path, progress=progress)


@app.command("sync")
def sync_films(
    authorities: Annotated[
        list[str] | None, typer.Argument(help="tmdb, wikidata or both; by default those that are set up.")
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read, and say what would change; keep nothing.")] = False,
) -> None:
    """Bring the catalogue in step with TMDB and Wikidata now; goes on where one that was cut short stopped."""
    settings = load_settings()
    with opened_store(settings) as store:
        reports = asyncio.run(_sync(settings, store, authorities or [], is_dry=dry_run))
    for report in reports:
        show_report(report, is_dry=dry_run)
    failed = [report.error for report in reports if report.error]
    if failed:
        raise CommandError("\n".join(failed))


async def _sync(settings: Settings, store: Store, names: list[str], *, is_dry: bool) -> list[SyncReport]:
    async with Gateway(settings=fetch_settings(settings)) as gateway:
        cataloguer = build_cataloguer(settings, store, gateway)
        chosen = [_choose(name, cataloguer) for name in names] or list(cataloguer.catalogues)
        if not chosen:
            raise CommandError(f"No catalogue is set up: {_NEEDS[Authority.TMDB]} and {_NEEDS[Authority.WIKIDATA]}.")
        return [await cataloguer.sync(authority, is_dry=is_dry) for authority in chosen]


_NEEDS = {Authority.TMDB: "tmdb needs SETWIRE_TMDB_KEY", Authority.WIKIDATA: "wikidata needs SETWIRE_CONTACT_URL"}


def _choose(name: str, cataloguer: Cataloguer) -> Authority:
    authority = next((authority for authority in _NEEDS if authority == name), None)
    if authority is None:
        raise CommandError(f"There is no catalogue {name!r}; write {' or '.join(_NEEDS)}.")
    if authority not in cataloguer.catalogues:
        raise CommandError(f"{_NEEDS[authority]}; docs/catalogue.md says where to get it.")
    return authority


def show_report(report: SyncReport, *, is_dry: bool) -> None:
    """Say in one line what a sync came to, and which records it left out."""
    would = "would change" if is_dry else "changed"
    gone = f", {report.gone_count} gone there" if report.gone_count else ""
    console.print(
        f"{report.authority}: {report.read_count} records read, {report.changed_count} films {would}{gone}",
        markup=False,
    )
    for problem in report.problems[:_PROBLEMS_SHOWN]:
        console.print(f"  left out: {problem}", markup=False)
    if len(report.problems) > _PROBLEMS_SHOWN:
        console.print(f"  and {len(report.problems) - _PROBLEMS_SHOWN} more", markup=False)


@app.command("export")
def export_films(
    path: Annotated[Path, typer.Argument(help="The file to write: .toml, .jsonl, .jsonl.gz or .csv.")],
) -> None:
    """Write the catalogue, with what syncs have added, to a file that `films import` reads."""
    with reading() as tx:
        films = all_films(tx)
    try:
        count = write_films(path, films)
    except ValueError as error:
        raise CommandError(f"Nothing was written: {error}; name the file so.") from error
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}); name a file in a folder that is.") from error
    console.print(f"{count} films written to {path}", markup=False)


@topics_app.command("list")
def list_topics(*, as_json: AsJson = False) -> None:
    """List the topics with their definitions."""
    with reading() as tx:
        topics = all_topics(tx)
    columns = {"slug": lambda t: t.slug, "name": lambda t: t.name, "definition": lambda t: t.definition}
    show_rows(topics, columns, as_json=as_json)
