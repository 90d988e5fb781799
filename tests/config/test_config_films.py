"""The film catalogue from TOML, JSON lines and CSV, and a sentence for every mistake."""

import contextlib
import gzip
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.filmfiles import write_films
from config.films import load_films, read_film_lines, stream_films
from config.problems import ConfigError
from core.catalogue import make_film_id
from core.values import Alias, AliasType, Film, FilmId, FilmStatus

LANTERN = Film(
    film_id=FilmId("lantern-bay-2027"),
    title="Lantern Bay",
    year=2027,
    aliases=(
        Alias(title="Lantern"),
        Alias(title="Low Tide", type=AliasType.WORKING_TITLE, needs_context=True),
    ),
    directors=("Ada Quill",),
    cast=("Bo Marsh", "Cy Vane"),
    franchise="Harbour",
    studio="Sundial",
    status=FilmStatus.FILMING,
)
ROW = {
    "id": "lantern-bay-2027",
    "title": "Lantern Bay",
    "year": 2027,
    "aliases": ["Lantern", {"title": "Low Tide", "type": "working-title", "needs_context": True}],
    "directors": ["Ada Quill"],
    "cast": ["Bo Marsh", "Cy Vane"],
    "franchise": "Harbour",
    "studio": "Sundial",
    "status": "filming",
}
TOML = """
[[film]]
id = "lantern-bay-2027"
title = "Lantern Bay"
year = 2027
aliases = ["Lantern", { title = "Low Tide", type = "working-title", needs_context = true }]
directors = ["Ada Quill"]
cast = ["Bo Marsh", "Cy Vane"]
franchise = "Harbour"
studio = "Sundial"
status = "filming"
"""


def complaints(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_films(path)
    return [str(problem) for problem in caught.value.problems]


def test_reads_toml(tmp_path: Path) -> None:
    path = tmp_path / "films.toml"
    path.write_text(TOML, encoding="utf-8")
    assert load_films(path) == [LANTERN]


@pytest.mark.parametrize("name", ["films.jsonl", "films.jsonl.gz"])
def test_reads_json_lines(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    bare: dict[str, object] = {"title": "Sour Cloud", "year": None, "franchise": None, "aliases": []}
    body = "\n\n".join(json.dumps(row) for row in (ROW, bare)).encode()
    path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    assert load_films(path) == [LANTERN, Film(film_id=FilmId("sour-cloud"), title="Sour Cloud")]


def test_reads_csv(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_text('title,year,directors,cast,aliases\n"Pine, Burning",2028,Ada Quill,Bo Marsh; Cy Vane,Pine;Burn\n')
    (film,) = read_film_lines(path)
    assert (film.film_id, film.title, film.year) == ("pine-burning-2028", "Pine, Burning", 2028)
    assert film.cast == ("Bo Marsh", "Cy Vane")
    assert film.aliases == (Alias(title="Pine"), Alias(title="Burn"))


def test_keeps_external_ids(tmp_path: Path) -> None:
    path = tmp_path / "films.toml"
    path.write_text('[[film]]\ntitle = "A"\nexternal_ids = { imdb = "tt0000001" }\n')
    assert load_films(path)[0].external_ids == {"imdb": "tt0000001"}


F = "films.toml: film 'Lantern Bay'"
MISTAKES = [
    (TOML.replace('title = "Lantern Bay"', ""), ["films.toml: film no. 1: title: is missing; add it"]),
    (TOML.replace("2027\n", "3027\n"), [f"{F}: year: 3027 is no year; write one from 1880 to 2100, or leave it out"]),
    (
        TOML.replace("2027\n", '"2027"\n'),
        [f"{F}: year: '2027' is no year; write one from 1880 to 2100, or leave it out"],
    ),
    (
        TOML.replace('"filming"', '"shooting"'),
        [f"{F}: status: 'shooting' is not known; write one of " + ", ".join(FilmStatus)],
    ),
    (
        TOML.replace('"working-title"', '"nick"'),
        [f"{F}: aliases: type: 'nick' is not known; write one of " + ", ".join(AliasType)],
    ),
    (
        TOML.replace('"Lantern",', "7,"),
        [f"{F}: aliases: 7 is no alias; write a title or {{ title = ..., type = ... }}"],
    ),
    (
        TOML.replace('"Lantern",', '"",'),
        [f"{F}: aliases: '' is no alias; write a title or {{ title = ..., type = ... }}"],
    ),
    (
        TOML.replace('["Ada Quill"]', '"Ada Quill"'),
        [f'{F}: directors: \'Ada Quill\' is no list of texts; write ["one", "two"]'],
    ),
    (TOML.replace('"Bo Marsh"', '" "'), [f"{F}: cast: holds an empty text; remove it"]),
    (TOML.replace("studio", "stuido"), [f"{F}: stuido: is no key of this record; did you mean 'studio'?"]),
    (TOML + TOML, ["films.toml: film 'lantern-bay-2027': id: stands more than once; give each film its own id"]),
    (TOML.replace("[[film]]", "[film]"), ["films.toml: film: is no list of records; write each as [[film]]"]),
]


@pytest.mark.parametrize(("text", "sentences"), MISTAKES)
def test_a_mistake_is_a_sentence(tmp_path: Path, text: str, sentences: list[str]) -> None:
    assert complaints(tmp_path / "films.toml", text) == sentences


def test_a_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    text = f'{json.dumps(ROW)}\n[1]\n{{"title": "B"\n'
    assert complaints(tmp_path / "films.jsonl", text) == [
        'films.jsonl: line 2: is no JSON object; write one film a line, such as {"id": ..., "title": ...}',
        'films.jsonl: line 3: is no JSON object; write one film a line, such as {"id": ..., "title": ...}',
    ]


def test_a_file_of_another_kind_is_not_told_line_by_line(tmp_path: Path) -> None:
    assert len(complaints(tmp_path / "films.jsonl", "nonsense\n" * 5_000)) <= 60


def test_every_bad_line_of_a_catalogue_is_named(tmp_path: Path) -> None:
    lines = [json.dumps({"title": f"Film {n}", "year": 2027 if n % 10 else "soon"}) for n in range(1, 1001)]
    found = complaints(tmp_path / "films.jsonl", "\n".join(lines))
    assert [says.split(": ")[1] for says in found] == [f"line {n}" for n in range(10, 1001, 10)]


def test_a_repeated_id_is_named_with_both_lines(tmp_path: Path) -> None:
    text = f"{json.dumps(ROW)}\n\n{json.dumps(ROW)}\n"
    assert complaints(tmp_path / "films.jsonl", text) == [
        "films.jsonl: line 3: id: 'lantern-bay-2027' stands on line 1 already; give each film its own id"
    ]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"imdb_id": "77"}, "imdb_id: '77' is no id of that kind; write one such as tt0111161"),
        ({"external_ids": {"wikidata": "77"}}, "wikidata_id: '77' is no id of that kind; write one such as Q172241"),
        (
            {"aliases": [{"title": "B", "until": "soon"}]},
            "aliases: until: 'soon' is no day; write one such as 2026-05-01",
        ),
        (
            {"aliases": [{"title": "B", "since": "2026-05-01", "until": "2026-04-01"}]},
            "aliases: until: 2026-04-01 is before since, 2026-05-01; swap them or mend one",
        ),
        ({"cast": [7]}, "cast: 7 is nobody; write a name or { name = ..., role = ... }"),
        ({"title": "千と千尋"}, "id: is missing, and '千と千尋' has no Latin letters to make one of; add it"),
    ],
)
def test_a_wrong_field_is_a_sentence(tmp_path: Path, row: dict[str, object], says: str) -> None:
    assert complaints(tmp_path / "films.jsonl", json.dumps({"title": "A", **row})) == [f"films.jsonl: line 1: {says}"]


def test_a_line_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_bytes(b"title\nA\nCaf\xe9\nB\n")
    with pytest.raises(ConfigError, match=r"films.csv: line 3: is no UTF-8 text; save it as UTF-8"):
        load_films(path)


def test_a_row_with_a_cell_too_many_is_named(tmp_path: Path) -> None:
    assert complaints(tmp_path / "films.csv", "title,year\nPine, Burning,2027\n")[0] == (
        "films.csv: line 2: has more cells than the first row has names; put a cell with a comma in double quotes"
    )


def test_the_reader_says_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "films.jsonl"
    path.write_text("".join(json.dumps({"title": f"Film {n}"}) + "\n" for n in range(2500)))
    told: list[int] = []
    assert sum(1 for _ in stream_films(path, progress=told.append)) == 2500
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


FULL = replace(
    LANTERN,
    aliases=(
        *LANTERN.aliases,
        Alias(title='The "Bay"', type=AliasType.FORMER_TITLE, since=date(2024, 1, 2), until=date(2026, 3, 1)),
    ),
    roles={"Bo Marsh": "Captain Ash"},
    external_ids={"tmdb": "77", "imdb": "tt0000077", "wikidata": "Q77"},
)


@pytest.mark.parametrize("name", ["films.toml", "films.jsonl", "films.jsonl.gz", "films.csv"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    films = [FULL, Film(film_id=FilmId("sour-cloud"), title="Sour, Cloud\\")]
    assert write_films(tmp_path / name, films) == 2
    assert load_films(tmp_path / name) == films


def test_a_file_of_no_known_kind_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"films.xls ends in none of"):
        write_films(tmp_path / "films.xls", [FULL])
    assert list(tmp_path.iterdir()) == []


def test_csv_without_a_title_column_is_a_sentence(tmp_path: Path) -> None:
    assert complaints(tmp_path / "films.csv", "name,year\nA,2027\n") == [
        "films.csv: has no column named title; name the columns in the first row"
    ]


def test_a_gz_file_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "films.jsonl.gz"
    path.write_bytes(b"not gzip")
    with pytest.raises(ConfigError, match=r"cannot be read \(no gzipped UTF-8 text\); name a readable file"):
        load_films(path)


@pytest.mark.parametrize(
    ("title", "year", "film_id"),
    [
        ("Avengers: Doomsday", 2026, "avengers-doomsday-2026"),
        ("Ocean’s Three", None, "oceans-three"),
        ("Amélie & Co.", 2001, "amelie-co-2001"),
        ("  ", 2026, ""),
    ],
)
def test_makes_a_film_id(title: str, year: int | None, film_id: str) -> None:
    assert make_film_id(title, year) == film_id


@given(st.text(max_size=40))
def test_reading_a_line_raises_nothing_but_config_error(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
    path = tmp_path_factory.mktemp("films") / "films.jsonl"
    path.write_text(line, encoding="utf-8", errors="replace")
    with contextlib.suppress(ConfigError):
        assert isinstance(load_films(path), list)
