"""One title, every way it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tagging.text import fold, phrase_of
from core.tagging.titles import NameKind, names_of, spell
from core.values import FilmStatus
from tests.core.tagging.makers import make_film


def phrases_of(title: str) -> set[str]:
    return {n.phrase for n in names_of(make_film(title, status=FilmStatus.ANNOUNCED))}


@pytest.mark.parametrize(
    ("title", "written"),
    [
        pytest.param("Harrow: Part Two", "Harrow Part II", id="part-two-as-part-ii"),
        pytest.param("Harrow: Part Two", "Harrow: Part 2", id="part-two-as-part-2"),
        pytest.param("Harrow: Part Two", "Harrow 2", id="part-two-as-2"),
        pytest.param("Gravel Kings Vol. 3", "Gravel Kings Volume 3", id="vol-as-volume"),
        pytest.param("Ferryman's Eleven", "Ferryman’s 11", id="number-word-and-curly-apostrophe"),
        pytest.param("Ferryman's Eleven", "ferrymans-eleven", id="slug-without-apostrophe"),
        pytest.param("Salt & Thunder", "Salt and Thunder", id="ampersand-as-and"),
        pytest.param("Salt & Thunder", "salt-thunder", id="slug-without-and"),
        pytest.param("Moth-Man: Late Light", "Mothman Late Light", id="hyphen-closed-colon-gone"),
        pytest.param("Café Électrique", "Cafe Electrique", id="accents"),
        pytest.param("Untitled Ada Quill Project", "Ada Quill movie", id="untitled-project"),
        pytest.param("Snow Line 2: The Thaw", "Snow Line II", id="numbered-head"),
    ],
)
def test_spellings_are_one_title(title: str, written: str) -> None:
    assert phrase_of(written) in phrases_of(title)


@pytest.mark.parametrize(
    ("title", "written"),
    [
        pytest.param("Harrow: Part One", "Harrow", id="part-one-is-not-the-bare-title"),
        pytest.param("Harrow: Part Two", "Part Two", id="a-part-number-alone"),
        pytest.param("Seven", "7", id="a-number-alone"),
    ],
)
def test_too_short_a_form_is_no_name(title: str, written: str) -> None:
    assert phrase_of(written) not in {n.phrase for n in names_of(make_film(title)) if not n.relation}


def test_a_coming_numbered_film_hangs_on_its_series() -> None:
    names = {n.phrase: n for n in names_of(make_film("Harrow 3", status=FilmStatus.ANNOUNCED))}

    assert names["harrow"].kind is NameKind.RELATED
    assert names["harrow"].relation == "sequel"


def test_an_untitled_remake_hangs_on_the_first_film() -> None:
    names = {n.phrase: n for n in names_of(make_film("Untitled Glass Orchard remake", status=FilmStatus.ANNOUNCED))}

    assert names["glass orchard"].relation == "remake"


@pytest.mark.parametrize(
    ("title", "aliases", "base", "relation"),
    [
        pytest.param("Lantern Oath", ("Glass Orchard sequel",), "glass orchard", "sequel", id="an-alias-says-it"),
        pytest.param("Untitled Glass Orchard sequel", ("Untitled Low Tide sequel",), "low tide", "sequel", id="second"),
        pytest.param("Untitled Glass Orchard prequel", (), "glass orchard", "prequel", id="prequel"),
        pytest.param("Untitled Ada Quill action thriller", (), "ada quill", "person", id="genre-and-director"),
        pytest.param("Lantern Oath", ("Untitled Ada Quill film",), "ada quill", "person", id="formerly-untitled"),
        pytest.param("Untitled Orrin Bay film", (), "orrin bay", "film", id="made-of"),
    ],
)
def test_a_described_title_hangs_on_what_it_describes(
    title: str, aliases: tuple[str, ...], base: str, relation: str
) -> None:
    film = make_film(title, aliases=aliases, people=("Ada Quill",), status=FilmStatus.ANNOUNCED)

    assert {n.phrase: n.relation for n in names_of(film) if n.relation}[base] == relation


def test_a_film_that_is_out_hangs_on_nothing() -> None:
    film = make_film("Lantern Oath", aliases=("Glass Orchard sequel",), status=FilmStatus.RELEASED)

    assert not any(n.relation for n in names_of(film))


@given(st.text(max_size=60))
def test_folding_keeps_every_offset(text: str) -> None:
    assert len(fold(text)) == len(text) or not text.isascii()
    assert len(fold(text.translate({0x130: "I"}))) == len(text)


@given(st.text(max_size=60))
def test_spellings_are_unique_and_the_plain_one_comes_first(title: str) -> None:
    spellings = spell(title)

    assert spellings[0] == phrase_of(title)
    assert len(set(spellings)) == len(spellings)
