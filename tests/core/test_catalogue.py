"""The rules of the catalogue: which film a record means, what several records make of it, what a new title does."""

from dataclasses import replace
from datetime import date

import pytest

from core.catalogue import Authority, Register, merge_records, renew_record
from core.values import Alias, AliasType, Film, FilmId, FilmStatus

TODAY = date(2026, 5, 1)
OURS = Film(
    film_id=FilmId("lantern-bay-2027"),
    title="Lantern Bay",
    year=2027,
    aliases=(Alias(title="Low Tide", type=AliasType.WORKING_TITLE),),
    directors=("Ada Quill",),
)
THEIRS = Film(
    film_id=FilmId(""),
    title="Lantern Bay: The Return",
    year=2028,
    aliases=(Alias(title="LOW TIDE"), Alias(title="La Baie", type=AliasType.TRANSLATION)),
    directors=("Somebody Else",),
    cast=("Bo Marsh", "Cy Vane"),
    roles={"Bo Marsh": "Captain"},
    status=FilmStatus.FILMING,
    external_ids={"tmdb": "77", "imdb": "tt0000077"},
)


def test_the_operators_word_wins_field_by_field() -> None:
    merged = merge_records(OURS.film_id, {Authority.TMDB: THEIRS, Authority.OWN: OURS})
    assert (merged.film_id, merged.title, merged.year, merged.directors) == (
        OURS.film_id,
        "Lantern Bay",
        2027,
        ("Ada Quill",),
    )
    assert (merged.cast, merged.roles, merged.status) == (THEIRS.cast, THEIRS.roles, FilmStatus.FILMING)
    assert merged.external_ids == THEIRS.external_ids
    assert [(alias.title, alias.type) for alias in merged.aliases] == [
        ("Low Tide", AliasType.WORKING_TITLE),
        ("Lantern Bay: The Return", AliasType.OTHER),
        ("La Baie", AliasType.TRANSLATION),
    ]


def test_a_title_given_up_becomes_a_former_one_with_its_day_and_stays() -> None:
    renamed = renew_record(THEIRS, replace(THEIRS, title="Salt Water"), today=TODAY)
    former = Alias(title="Lantern Bay: The Return", type=AliasType.FORMER_TITLE, until=TODAY)
    assert renamed.title == "Salt Water"
    assert former in renamed.aliases
    later = renew_record(renamed, replace(THEIRS, title="Salt Water"), today=date(2026, 9, 9))
    assert [alias for alias in later.aliases if alias.type is AliasType.FORMER_TITLE] == [former]
    back = renew_record(later, THEIRS, today=date(2026, 9, 9))
    assert {alias.title for alias in back.aliases if alias.type is AliasType.FORMER_TITLE} == {"Salt Water"}


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        pytest.param({"title": "Lantern Bay", "directors": ("ADA QUILL",)}, True, id="year-after-and-director"),
        pytest.param({"title": "Lantern Bay", "directors": ("Ada Quill",), "year": 2031}, False, id="years-apart"),
        pytest.param({"title": "Lantern Bay"}, False, id="another-director"),
        pytest.param({"title": "Lantern Bay", "directors": (), "year": 2027}, True, id="same-year-nobody-named"),
        pytest.param({"title": "Lantern Bay", "directors": ()}, False, id="another-year-nobody-named"),
        pytest.param({"external_ids": {"tmdb": "77", "imdb": "tt0000001"}}, True, id="by-imdb-alone"),
        pytest.param(
            {"title": "Lantern Bay", "directors": ("Ada Quill",), "external_ids": {"wikidata": "Q9"}},
            False,
            id="an-id-against-it",
        ),
    ],
)
def test_a_record_means_a_film(change: dict[str, object], is_same: bool) -> None:
    ours = replace(OURS, external_ids={"imdb": "tt0000001", "wikidata": "Q1"})
    record = replace(THEIRS, **{"external_ids": {"tmdb": "77"}, **change})  # type: ignore[arg-type]
    assert Register([ours]).find(record) == (ours.film_id if is_same else None)


def test_two_films_that_may_be_meant_are_none() -> None:
    twin = replace(OURS, film_id=FilmId("twin"))
    assert Register([OURS, twin]).find(replace(OURS, external_ids={"tmdb": "5"})) is None


def test_a_new_film_gets_an_id_that_is_free() -> None:
    register = Register([OURS])
    record = replace(OURS, external_ids={"tmdb": "5"})
    assert register.name(record, Authority.TMDB) == "lantern-bay-2027-tmdb-5"
    assert register.name(replace(record, title="千と千尋", year=None), Authority.TMDB) == "tmdb-5"
