"""Films named by what they follow, remake or are made of, and films of one title told apart by age.

Behaviour of the shipped model. A model fitted before there was evidence for such films knows nothing of it.
"""

import pytest

from config.models import load_model
from core.tagging.films import FilmTagger
from core.tagging.text import Document
from core.values import Article, FilmStatus, Salience
from tests.core.tagging.makers import make_article, make_film

MODEL = load_model("tags")
PEOPLE = ("Ada Quill", "Tomas Vey", "Ines Okoro")
CATALOGUE = (
    make_film("Harrowgate Lane", year=1986, people=("Otto Lindqvist",), status=FilmStatus.RELEASED, film_id="lane"),
    make_film("Untitled Harrowgate Lane remake", year=None, status=FilmStatus.ANNOUNCED, film_id="lane-remake"),
    make_film("The Glass Orchard", year=2024, people=PEOPLE, status=FilmStatus.RELEASED, film_id="orchard"),
    make_film(
        "Lantern Oath", year=None, aliases=("The Glass Orchard sequel",), status=FilmStatus.ANNOUNCED, film_id="oath"
    ),
    make_film(
        "Untitled Lena Marsh thriller", year=None, people=("Lena Marsh",), status=FilmStatus.FILMING, film_id="t"
    ),
    make_film("Zephyrine", year=1996, people=("Rolf Amsel",), status=FilmStatus.RELEASED, film_id="zephyrine-1996"),
    make_film("Zephyrine", year=2022, people=("Kofi Brandt",), status=FilmStatus.RELEASED, film_id="zephyrine-2022"),
)
TAGGER = FilmTagger(CATALOGUE, MODEL)


def about(article: Article) -> set[str]:
    return {t.ref for t in TAGGER.tag(article) if t.salience is Salience.ABOUT}


@pytest.mark.parametrize(
    ("title", "summary", "expected"),
    [
        pytest.param(
            "‘Harrowgate Lane’ Remake in the Works With a New Director",
            "A remake of the 1986 horror film Harrowgate Lane has been announced.",
            "lane-remake",
            id="remake",
        ),
        pytest.param(
            "The Glass Orchard Is Officially Getting a Sequel",
            "A sequel to the 2024 film The Glass Orchard is in development.",
            "oath",
            id="sequel-with-a-title-of-its-own",
        ),
    ],
)
def test_a_text_on_the_next_film_is_about_that_one(title: str, summary: str, expected: str) -> None:
    assert expected in about(make_article(title, summary, categories=("Movies",)))


def test_a_text_on_the_old_film_is_not_about_the_next_one() -> None:
    article = make_article(
        "The Glass Orchard Is a Streaming Hit Again",
        "The Glass Orchard tops the charts this week.",
        categories=("Movies",),
    )

    assert about(article) == {"orchard"}


def test_an_age_in_the_headline_chooses_among_films_of_one_title() -> None:
    article = make_article(
        "30 Years Later, Zephyrine Hits the Streaming Charts",
        "The film Zephyrine is back.",
        categories=("Movies", "Zephyrine"),
    )

    assert "zephyrine-2022" not in {t.ref for t in TAGGER.tag(article)}


@pytest.mark.parametrize(
    ("title", "film_id", "relation"),
    [
        pytest.param("Harrowgate Lane Reboot Adds Its Lead", "lane-remake", "remake", id="joined"),
        pytest.param("A Sequel to The Glass Orchard", "oath", "sequel", id="sequel-to"),
        pytest.param("Lena Marsh Begins Filming New Thriller", "t", "person", id="by-its-director"),
    ],
)
def test_the_relation_is_evidence(title: str, film_id: str, relation: str) -> None:
    found = {c.film_id: c.features for c in TAGGER.candidates(Document(make_article(title))).values()}

    assert f"relation={relation}" in found[film_id]
    assert ("relation-joined" in found[film_id]) is (relation != "person")


def test_without_a_word_of_the_relation_only_the_old_film_is_found() -> None:
    found = TAGGER.candidates(Document(make_article("Harrowgate Lane Remembered", "Otto Lindqvist's film at forty.")))

    assert {c.film_id for c in found.values()} == {"lane"}


def test_an_everyday_word_is_a_title_after_remake_of() -> None:
    tagger = FilmTagger([make_film("Untitled Mercy remake", year=None, status=FilmStatus.ANNOUNCED, film_id="mercy")])

    assert tagger.candidates(Document(make_article("Ada Quill to Direct Remake of Mercy")))
    assert not tagger.candidates(Document(make_article("Ada Quill on the Mercy of the Remake")))
