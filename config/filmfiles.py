"""Writes the film catalogue in the forms that `config.films` reads: TOML, JSON lines (also gzipped) and CSV."""

import csv
import gzip
import io
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from core.catalogue import EXTERNAL_IDS
from core.values import Alias, AliasType, Film, FilmStatus

COLUMNS = (
    "id",
    "title",
    "year",
    "status",
    "aliases",
    "directors",
    "cast",
    "franchise",
    "studio",
    *(f"{name}_id" for name in EXTERNAL_IDS),
)


def write_films(path: Path, films: Iterable[Film]) -> int:
    """Write films to a file by its name (`.toml`, `.jsonl`, `.jsonl.gz`, `.csv`); return how many.

    What was there is replaced when all is written. Raises OSError; ValueError for a name of another kind.
    """
    writer = {".toml": _write_toml, ".csv": _write_csv, ".jsonl": _write_lines, ".gz": _write_lines}.get(path.suffix)
    if writer is None:
        raise ValueError(f"{path.name} ends in none of .toml, .jsonl, .jsonl.gz, .csv")
    with _replace_when_whole(path) as file:
        return sum(1 for _ in writer(file, films))


@contextmanager
def _replace_when_whole(path: Path) -> Iterator[IO[str]]:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as raw:
            inner = gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) if path.suffix == ".gz" else raw
            with inner, io.TextIOWrapper(inner, encoding="utf-8", newline="") as file:
                yield file
        Path(name).replace(path)
    except BaseException:  # also at Ctrl-C: no half-written file stays behind
        Path(name).unlink(missing_ok=True)
        raise


def _write_lines(file: IO[str], films: Iterable[Film]) -> Iterator[Film]:
    for film in films:
        file.write(json.dumps(describe_film(film), ensure_ascii=False) + "\n")
        yield film


def _write_toml(file: IO[str], films: Iterable[Film]) -> Iterator[Film]:
    for film in films:
        file.write("[[film]]\n")
        file.writelines(f"{key} = {_toml(value)}\n" for key, value in describe_film(film).items())
        file.write("\n")
        yield film


def _write_csv(file: IO[str], films: Iterable[Film]) -> Iterator[Film]:
    writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for film in films:
        ids = {f"{name}_id": film.external_ids.get(name, "") for name in EXTERNAL_IDS}
        members = [f"{name} as {film.roles[name]}" if name in film.roles else name for name in film.cast]
        lists = {"aliases": map(_csv_alias, film.aliases), "directors": film.directors, "cast": members}
        cells = {name: "; ".join(parts) for name, parts in lists.items()}
        writer.writerow({**describe_film(film), **cells, **ids})
        yield film


def describe_film(film: Film) -> dict[str, Any]:
    """A film as a record of the files has it, without what is empty."""
    cast = [{"name": name, "role": film.roles[name]} if name in film.roles else name for name in film.cast]
    record = {
        "id": film.film_id,
        "title": film.title,
        "year": film.year,
        "aliases": [_describe_alias(alias) for alias in film.aliases],
        "directors": list(film.directors),
        "cast": cast,
        "franchise": film.franchise,
        "studio": film.studio,
        "status": "" if film.status is FilmStatus.UNKNOWN else str(film.status),
        "external_ids": dict(film.external_ids),
    }
    return {key: value for key, value in record.items() if value}


def _describe_alias(alias: Alias) -> object:
    record = {
        "title": alias.title,
        "type": "" if alias.type is AliasType.OTHER else str(alias.type),
        "needs_context": alias.needs_context,
        "since": alias.since and alias.since.isoformat(),
        "until": alias.until and alias.until.isoformat(),
    }
    kept = {key: value for key, value in record.items() if value}
    return kept if len(kept) > 1 else alias.title


def _csv_alias(alias: Alias) -> str:
    words = [
        *([str(alias.type)] if alias.type is not AliasType.OTHER else []),
        *(["needs-context"] if alias.needs_context else []),
        *(f"{name} {day}" for name, day in (("since", alias.since), ("until", alias.until)) if day),
    ]
    return f"{alias.title} [{', '.join(words)}]" if words else alias.title


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _toml(value: object) -> str:
    match value:
        case dict():
            return "{ " + ", ".join(f"{_toml_key(key)} = {_toml(part)}" for key, part in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
