"""Reads the film catalogue: TOML for the shipped list, JSON lines (also gzipped) and CSV for imports."""

import csv
import gzip
import io
import json
import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.problems import ConfigError, Problem
from config.tables import Table, find_repeats, raise_problems, read_text, read_toml
from core.values import Alias, AliasType, Film, FilmId, FilmStatus

_LISTS = ("aliases", "directors", "cast")
# Enough to mend a file by, and short enough to read when the file is of another kind altogether.
_MAX_PROBLEMS = 50


def load_films(path: Path) -> list[Film]:
    """Read a catalogue by its file name (`.toml`, `.jsonl`, `.jsonl.gz`, `.csv`), in file order; ids are unique.

    Raises ConfigError with the problems of the file.
    """
    return _load_toml(path) if path.suffix == ".toml" else read_film_lines(path)


def _load_toml(path: Path) -> list[Film]:
    problems: list[Problem] = []
    root = read_toml(path, problems)
    films = [_read_film(table) for table in root.records("film", name_key="title")]
    root.finish()
    _check_films(films, path, problems)
    return films


def read_film_lines(path: Path) -> list[Film]:
    """Read a catalogue of one film a line (JSON lines, `.gz` too) or row (CSV with a header), in file order.

    In CSV, lists are separated by `;`. Raises ConfigError with the problems of the file.
    """
    problems: list[Problem] = []
    rows = _read_csv(path) if path.suffix == ".csv" else _read_json_lines(path, problems)
    films = []
    for place, row in rows:
        films.append(_read_film(Table(row, file=path.name, entry=f"line {place}", problems=problems)))
        if len(problems) >= _MAX_PROBLEMS:
            break
    _check_films(films, path, problems)
    return films


def _check_films(films: list[Film], path: Path, problems: list[Problem]) -> None:
    for film_id in find_repeats(film.film_id for film in films if film.film_id):
        says = "stands more than once; give each film its own id"
        problems.append(Problem(file=path.name, entry=f"film {film_id!r}", key="id", says=says))
    raise_problems(problems)


def _read_json_lines(path: Path, problems: list[Problem]) -> Iterator[tuple[int, Mapping[str, object]]]:
    for place, line in enumerate(io.StringIO(_read_lines(path)), start=1):
        if not line.strip():
            continue
        row = _parse_object(line)
        if row is None:
            says = 'is no JSON object; write one film a line, such as {"id": ..., "title": ...}'
            problems.append(Problem(file=path.name, entry=f"line {place}", says=says))
        yield place, row if row is not None else {"id": f"line-{place}", "title": "?"}


def _parse_object(line: str) -> dict[str, object] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _read_lines(path: Path) -> str:
    if path.suffix != ".gz":
        return read_text(path)
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return file.read()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no gzipped UTF-8 text"
        says = f"cannot be read ({reason}); name a readable file"
        raise ConfigError([Problem(file=str(path), says=says)]) from None


def _read_csv(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    if "title" not in (reader.fieldnames or ()):
        says = "has no column named title; name the columns in the first row"
        raise ConfigError([Problem(file=path.name, says=says)])
    for row in reader:
        yield reader.line_num, {key: _read_cell(key, value) for key, value in row.items() if key and value}


def _read_cell(key: str, value: str) -> object:
    if key in _LISTS:
        return [part.strip() for part in value.split(";") if part.strip()]
    return int(value) if key == "year" and value.strip().isdecimal() else value


def _read_film(table: Table) -> Film:
    title = table.text("title", is_required=True)
    year = table.year("year")
    film = Film(
        film_id=FilmId(table.text("id") or make_film_id(title, year)),
        title=title,
        year=year,
        aliases=tuple(_read_aliases(table)),
        directors=table.texts("directors"),
        cast=table.texts("cast"),
        franchise=table.text("franchise"),
        studio=table.text("studio"),
        status=table.choice("status", FilmStatus, default=FilmStatus.UNKNOWN),
        external_ids=_read_external_ids(table.table("external_ids")),
    )
    table.finish()
    return film


def make_film_id(title: str, year: int | None) -> str:
    """Make an id of a title and a year: small ASCII letters, digits and hyphens; empty for an empty title."""
    plain = unicodedata.normalize("NFKD", title.lower().replace("'", "").replace("’", ""))
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode())
    return "-".join([*words, str(year)] if year and words else words)


def _read_aliases(table: Table) -> Iterator[Alias]:
    for alias in table.raw_list("aliases"):
        if isinstance(alias, str) and alias.strip():
            yield Alias(title=alias.strip())
        elif isinstance(alias, dict):
            yield _read_alias(table, alias)
        else:
            table.complain("aliases", f"{alias!r} is no alias; write a title or {{ title = ..., type = ... }}")


def _read_alias(table: Table, values: Mapping[str, object]) -> Alias:
    inner = table.inside("aliases", values)
    alias = Alias(
        title=inner.text("title", is_required=True),
        type=inner.choice("type", AliasType, default=AliasType.OTHER),
        needs_context=inner.flag("needs_context", default=False),
    )
    inner.finish()
    return alias


def _read_external_ids(table: Table) -> dict[str, str]:
    return {name: table.text(name) for name in table.names()}
