"""Reads the film catalogue: TOML for the shipped list, JSON lines (also gzipped) and CSV for imports, line by line."""

import csv
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from config.problems import ConfigError, Problem
from config.tables import Table, find_repeats, raise_problems, read_toml
from core.catalogue import EXTERNAL_IDS, make_film_id
from core.values import Alias, AliasType, Film, FilmId, FilmStatus

_LISTS = ("aliases", "directors", "cast")
# Enough to mend a file by, and short enough to read when the file is of another kind altogether.
_MAX_PROBLEMS = 50
_ID_SHAPES = {"tmdb": r"[1-9]\d*", "imdb": r"tt\d{7,}", "wikidata": r"Q[1-9]\d*"}
_ID_EXAMPLES = {"tmdb": "1368166", "imdb": "tt0111161", "wikidata": "Q172241"}
# `Low Tide [working-title, needs-context, until 2026-03-01]`, as the cell of a CSV file has it.
_CSV_ALIAS = re.compile(r"(?P<title>.*\S)\s*\[(?P<words>[^\[\]]*)\]")
_NO_OBJECT = 'is no JSON object; write one film a line, such as {"id": ..., "title": ...}'

Progress = Callable[[int], None]


def load_films(path: Path) -> list[Film]:
    """Read a catalogue by its file name (`.toml`, `.jsonl`, `.jsonl.gz`, `.csv`), in file order; ids are unique.

    Raises ConfigError with the problems of the file.
    """
    return list(stream_films(path))


def stream_films(path: Path, *, progress: Progress | None = None) -> Iterator[Film]:
    """Yield the films of a file, one at a time; `progress` is told how many bytes of it have been read.

    Raises ConfigError with every mistake, at the end: whoever keeps what is yielded must be able to take it back.
    """
    if path.suffix == ".toml":
        yield from _load_toml(path)
    else:
        yield from read_film_lines(path, progress=progress)


def _load_toml(path: Path) -> list[Film]:
    problems: list[Problem] = []
    root = read_toml(path, problems)
    films = [_read_film(table) for table in root.records("film", name_key="title")]
    root.finish()
    for film_id in find_repeats(film.film_id for film in films if film.film_id):
        says = "stands more than once; give each film its own id"
        problems.append(Problem(file=path.name, entry=f"film {film_id!r}", key="id", says=says))
    raise_problems(problems)
    return films


def read_film_lines(path: Path, *, progress: Progress | None = None) -> Iterator[Film]:
    """Yield the films of a file of one film a line (JSON lines, `.gz` too) or row (CSV with a header).

    In CSV, lists are separated by `;`. Raises ConfigError, at the end, with every mistake and its line; earlier when
    most of the file is no catalogue at all.
    """
    problems: list[Problem] = []
    places: dict[str, int] = {}
    with _open_lines(path, problems, progress) as lines:
        rows = _read_csv(path, lines, problems) if path.suffix == ".csv" else _read_json_lines(path, lines, problems)
        for place, row in rows:
            table = Table(row, file=path.name, entry=f"line {place}", problems=problems)
            found = len(problems)
            film = _read_film(table)
            first = places.setdefault(film.film_id, place)
            if first != place:
                table.complain("id", f"{film.film_id!r} stands on line {first} already; give each film its own id")
            if len(problems) == found:
                yield film
            elif len(problems) >= _MAX_PROBLEMS and len(problems) * 2 > place:
                break
    raise_problems(problems)


@contextmanager
def _open_lines(path: Path, problems: list[Problem], progress: Progress | None) -> Iterator[Iterator[str]]:
    """Hand out the lines of a file, gzipped or not. Raises ConfigError with one sentence when it cannot be read."""
    try:
        with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw as file:
            yield _decode_lines(path, iter(file), raw, problems, progress or (lambda _: None))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "no gzipped UTF-8 text"
        raise ConfigError([Problem(file=str(path), says=f"cannot be read ({reason}); name a readable file")]) from None


def _decode_lines(
    path: Path, lines: Iterator[bytes], raw: BufferedReader, problems: list[Problem], progress: Progress
) -> Iterator[str]:
    for place, line in enumerate(lines, start=1):
        if place % 1000 == 0:
            progress(raw.tell())
        try:
            yield line.decode("utf-8-sig" if place == 1 else "utf-8")
        except UnicodeDecodeError:
            problems.append(Problem(file=path.name, entry=f"line {place}", says="is no UTF-8 text; save it as UTF-8"))
            yield "\n"
    progress(raw.tell())


def _read_json_lines(
    path: Path, lines: Iterator[str], problems: list[Problem]
) -> Iterator[tuple[int, Mapping[str, object]]]:
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _parse_object(line)
        if row is not None:
            yield place, row
            continue
        problems.append(Problem(file=path.name, entry=f"line {place}", says=_NO_OBJECT))
        if len(problems) >= _MAX_PROBLEMS and len(problems) * 2 > place:
            return


def _parse_object(line: str) -> dict[str, object] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _read_csv(path: Path, lines: Iterator[str], problems: list[Problem]) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.DictReader(lines)
    if "title" not in (reader.fieldnames or ()):
        says = "has no column named title; name the columns in the first row"
        raise ConfigError([Problem(file=path.name, says=says)])
    try:
        for row in reader:
            place = reader.line_num
            if row.pop(None, None):  # where csv puts what has no column
                says = "has more cells than the first row has names; put a cell with a comma in double quotes"
                problems.append(Problem(file=path.name, entry=f"line {place}", says=says))
            yield place, {key: _read_cell(key, value) for key, value in row.items() if key and value}
    except csv.Error as error:
        says = f"cannot be read as CSV ({error}); mend that line"
        problems.append(Problem(file=path.name, entry=f"line {reader.line_num}", says=says))


def _read_cell(key: str, value: str) -> object:
    if key in _LISTS:
        parts = [part.strip() for part in value.split(";") if part.strip()]
        shape = {"aliases": _read_csv_alias, "cast": _read_csv_member}.get(key)
        return [shape(part) for part in parts] if shape else parts
    return int(value) if key == "year" and value.strip().isdecimal() else value


def _read_csv_alias(cell: str) -> object:
    """Read `Title [type, needs-context, since DAY, until DAY]`; the brackets may be left out."""
    match = _CSV_ALIAS.fullmatch(cell)
    if match is None:
        return cell
    alias: dict[str, object] = {"title": match["title"]}
    for word in filter(None, map(str.strip, match["words"].split(","))):
        name, _, day = word.partition(" ")
        if name in ("since", "until"):
            alias[name] = day.strip()
        elif word == "needs-context":
            alias["needs_context"] = True
        else:
            alias["type"] = word
    return alias


def _read_csv_member(cell: str) -> object:
    name, _, role = cell.partition(" as ")
    return {"name": name.strip(), "role": role.strip()} if role.strip() else cell


def _read_film(table: Table) -> Film:
    title = table.text("title", is_required=True)
    year = table.year("year")
    cast, roles = _read_cast(table)
    film = Film(
        film_id=FilmId(table.text("id") or make_film_id(title, year)),
        title=title,
        year=year,
        aliases=tuple(_read_aliases(table)),
        directors=table.texts("directors"),
        cast=cast,
        roles=roles,
        franchise=table.text("franchise"),
        studio=table.text("studio"),
        status=table.choice("status", FilmStatus, default=FilmStatus.UNKNOWN),
        external_ids=_read_external_ids(table),
    )
    if title and not film.film_id:
        table.complain("id", f"is missing, and {title!r} has no Latin letters to make one of; add it")
    table.finish()
    return film


def _read_cast(table: Table) -> tuple[tuple[str, ...], dict[str, str]]:
    """Read names and `{ name = ..., role = ... }`, in billing order."""
    if all(isinstance(member, str) for member in table.raw("cast")):
        return table.texts("cast"), {}
    cast: dict[str, str] = {}
    for member in table.raw_list("cast"):
        if isinstance(member, str) and member.strip():
            cast[member.strip()] = ""
        elif isinstance(member, dict):
            inner = table.inside("cast", member)
            cast[inner.text("name", is_required=True)] = inner.text("role")
            inner.finish()
        else:
            table.complain("cast", f"{member!r} is nobody; write a name or {{ name = ..., role = ... }}")
    return tuple(cast), {name: role for name, role in cast.items() if role}


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
        since=inner.day("since"),
        until=inner.day("until"),
    )
    if alias.since and alias.until and alias.until < alias.since:
        inner.complain("until", f"{alias.until} is before since, {alias.since}; swap them or mend one")
    inner.finish()
    return alias


def _read_external_ids(table: Table) -> dict[str, str]:
    """Read the table `external_ids`, and the keys `tmdb_id`, `imdb_id` and `wikidata_id` as CSV files have them."""
    inner = table.table("external_ids")
    found = {name: inner.text(name) for name in inner.names()}
    for name in EXTERNAL_IDS:
        ref = table.text(f"{name}_id") or found.get(name, "")
        if ref and not re.fullmatch(_ID_SHAPES[name], ref):
            table.complain(f"{name}_id", f"{ref!r} is no id of that kind; write one such as {_ID_EXAMPLES[name]}")
        found |= {name: ref} if ref else {}
    return found
