"""Which film is meant, with what evidence, and whether the text is about it: with the shipped model."""

from dataclasses import replace
from datetime import date

import pytest

from config.models import load_model
from core.tagging.films import FilmTagger
from core.tagging.text import Document
from core.values import Alias, AliasType, Article, Evidence, FilmStatus, Salience, Tag
from tests.core.tagging.makers import make_article, make_film

PEOPLE = ("Ada Quill", "Tomas Vey", "Ines Okoro")
MODEL = load_model("tags")
CATALOGUE = (
    make_film("The Glass Orchard", people=PEOPLE),
    make_film("Harrowgate: Part Two", aliases=("Harrowgate 2",), people=("Lena Marsh",), year=2027),
    make_film("Harrowgate", people=("Lena Marsh",), year=2021),
    make_film("Mercy", people=("Kofi Brandt", "Sunniva Dale")),
    make_film("It", year=2017, people=("Rolf Amsel",)),
    make_film("Zephyrine", year=2019, people=("Otto Lindqvist",), status=FilmStatus.RELEASED, film_id="old"),
    make_film("Zephyrine", year=2026, people=("Maya Castellan",), status=FilmStatus.FILMING, film_id="new"),
)


def tag(article: Article) -> dict[str, Tag]:
    return {t.ref: t for t in FilmTagger(CATALOGUE, MODEL).tag(article)}


def about(article: Article) -> set[str]:
    return {ref for ref, t in tag(article).items() if t.salience is Salience.ABOUT}


def test_an_unmistakable_title_links_alone() -> None:
    found = tag(make_article("The Glass Orchard Trailer Arrives", "Watch the first trailer for The Glass Orchard."))

    assert found["the glass orchard-2026"].salience is Salience.ABOUT
    assert Evidence(field="title", words="The Glass Orchard") in found["the glass orchard-2026"].evidence


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("‘The Glass Orchard’ First Look Reveals Its Lead", id="curly-quotes"),
        pytest.param("The Glass Orchard's First Look Reveals Its Lead", id="possessive"),
        pytest.param("'The Glass Orchard' Wraps Filming", id="straight-quotes"),
    ],
)
def test_quotes_and_possessives_do_not_hide_a_title(title: str) -> None:
    assert about(make_article(title, "The film is due next year.")) == {"the glass orchard-2026"}


def test_ordinals_name_the_same_film() -> None:
    for title in ("Harrowgate Part II Sets Release Date", "Harrowgate 2 Sets Release Date"):
        assert about(make_article(title, f"{title} for next summer.")) == {"harrowgate: part two-2027"}


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("Show Some Mercy to Your Streaming Budget", id="a-common-word"),
        pytest.param("It Is Time to Cancel One Subscription", id="a-pronoun"),
        pytest.param("Harbor Master Crowned in Cruise Line Quiz", id="nothing-at-all"),
    ],
)
def test_everyday_words_are_no_title(title: str) -> None:
    assert not tag(make_article(title, "A reader's guide to the month ahead, and how to spend it."))


def test_an_ambiguous_title_links_with_people_and_quotes() -> None:
    article = make_article("‘Mercy’ Trailer: Kofi Brandt Directs", "Sunniva Dale stars in the film ‘Mercy.’")

    assert about(article) == {"mercy-2026"}


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        pytest.param("Shooting on the film ‘Zephyrine’ starts in spring.", "new", id="the-current-one-by-default"),
        pytest.param("Maya Castellan returns to the set.", "new", id="by-people-new"),
        pytest.param("Otto Lindqvist looks back on the 2019 film.", "old", id="by-people-old"),
    ],
)
def test_films_of_one_title_are_told_apart(summary: str, expected: str) -> None:
    assert set(tag(make_article("‘Zephyrine’ Gets a New Trailer", summary))) == {expected}


def test_a_title_inside_a_known_persons_name_is_no_sighting() -> None:
    films = (
        make_film("Ferrow", people=("Lena Marsh",)),
        make_film("Low Tide", people=("Otto B. Ferrow", "Ines Okoro")),
    )
    tagger = FilmTagger(films, MODEL)

    for title in ("Otto B. Ferrow Makes the Film of the Year", "Otto Ferrow's Film of the Year Sets a Date"):
        document = Document(make_article(title, "The film Ferrow made with Lena Marsh.", categories=("Movies",)))
        places = [s.start for c in tagger.candidates(document).values() for s in c.sightings]
        assert len(places) == (1 if "B." in title else 2)


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        pytest.param("The film is back, 7 years later.", "match", id="age"),
        pytest.param("The 8-year-old film is back.", "match", id="age-in-words-of-last-year"),
        pytest.param("2019's most quoted film is back.", "match", id="year"),
        pytest.param("The 30-year-old film is back.", "other", id="another-age"),
        pytest.param("The film is back.", "", id="nothing-said"),
    ],
)
def test_the_age_a_text_gives_tells_films_of_one_title_apart(summary: str, said: str) -> None:
    candidates = FilmTagger(CATALOGUE).candidates(Document(make_article("‘Zephyrine’ Returns", summary)))
    features = {c.film_id: c.features for c in candidates.values()}

    assert [f for f in features["old"] if f.startswith("year-said=") and "|" not in f] == [f"year-said={said}"][
        : bool(said)
    ]
    assert not any(f == "year-said=match" for f in features["new"])


def test_a_credit_is_a_mention() -> None:
    article = make_article(
        "‘The Glass Orchard’ Star Ines Okoro Joins Harrowgate 2",
        "Harrowgate 2 adds The Glass Orchard star Ines Okoro to its cast.",
        slug="harrowgate-2-ines-okoro-cast",
    )
    found = tag(article)

    assert found["harrowgate: part two-2027"].salience is Salience.ABOUT
    assert found["the glass orchard-2026"].salience is Salience.MENTIONS


def test_a_ranked_list_only_mentions() -> None:
    article = make_article(
        "10 Best Orchard Movies of All Time, Ranked", "From Harrowgate to The Glass Orchard, these are the greatest."
    )

    assert not about(article)


def test_a_longer_title_hides_the_one_inside_it() -> None:
    article = make_article("Harrowgate: Part Two Adds to Its Cast", "Harrowgate: Part Two casts its villain.")

    assert set(tag(article)) == {"harrowgate: part two-2027"}


def test_a_series_of_the_same_name_does_not_link_as_subject() -> None:
    article = make_article(
        "Mercy Season 3 Episode 2 Recap", "The TV series returns with a new episode.", categories=("TV", "Recaps")
    )

    assert not about(article)


def test_evidence_stands_in_the_text_as_shown() -> None:
    article = make_article(
        "‘THE GLASS ORCHARD’ wraps", "The Glass Orchard has wrapped.", categories=("The Glass Orchard",)
    )
    raw = {"title": article.title, "summary": article.summary, "categories": "\x1f".join(article.categories)}
    (found,) = tag(article).values()

    assert found.evidence
    assert all(e.words in raw[e.field] for e in found.evidence if e.field in raw)


def test_without_a_model_a_clear_title_still_links() -> None:
    tagger = FilmTagger(CATALOGUE)
    article = make_article("The Glass Orchard Trailer Arrives", "Watch the first trailer for The Glass Orchard.")

    assert [t.ref for t in tagger.tag(article)] == ["the glass orchard-2026"]


def test_an_empty_catalogue_tags_nothing() -> None:
    assert FilmTagger([]).tag(make_article("The Glass Orchard Trailer Arrives")) == ()


def test_a_name_just_below_the_floor_is_a_doubt_and_no_tag() -> None:
    tagger = FilmTagger([make_film("Lantern", people=("Petra Halloran",), year=2019)], MODEL)
    tags, doubts = tagger.judge_document(Document(make_article("‘Lantern’ season two", "The series returns.")))
    assert tags == ()
    assert [doubt.ref for doubt in doubts] == ["lantern-2019"]
    assert tagger.judge_document(Document(make_article("Ten winter cruises", "Cabins with a view.")))[1] == ()


GREY = replace(
    make_film("Lanterns of Orrin Bay", people=("Ada Quill", "Tomas Vey"), status=FilmStatus.FILMING),
    studio="Sundial Pictures",
)
ALONE = ("‘Grey Harvest’ Adds a Newcomer", "Grey Harvest starts in Wales.")
BESIDE = [
    pytest.param("Ada Quill's Grey Harvest Begins Filming", "Cameras roll in Wales.", id="director"),
    pytest.param("Grey Harvest Begins Filming", "Tomas Vey leads the cast.", id="cast"),
    pytest.param("Grey Harvest Begins Filming", "The Sundial Pictures production rolls in Wales.", id="studio"),
]


def links(alias: Alias, title: str, summary: str) -> bool:
    return bool(FilmTagger([replace(GREY, aliases=(alias,))], MODEL).tag(make_article(title, summary)))


def test_a_plain_alias_links_alone() -> None:
    assert links(Alias(title="Grey Harvest", type=AliasType.WORKING_TITLE), *ALONE)


WEAK = [
    pytest.param(Alias(title="Grey Harvest", type=AliasType.WORKING_TITLE, needs_context=True), id="needs-context"),
    pytest.param(Alias(title="Grey Harvest", type=AliasType.CODE_NAME), id="code-name"),
    pytest.param(Alias(title="Grey Harvest", type=AliasType.ABBREVIATION), id="abbreviation"),
    pytest.param(Alias(title="Grey Harvest", type=AliasType.FORMER_TITLE, until=date(2026, 4, 30)), id="given-up"),
    pytest.param(Alias(title="Grey Harvest", type=AliasType.WORKING_TITLE, since=date(2026, 5, 2)), id="not-yet"),
]


@pytest.mark.parametrize("alias", WEAK)
def test_an_alias_that_needs_context_links_only_beside_its_film(alias: Alias) -> None:
    assert not links(alias, *ALONE)


@pytest.mark.parametrize("alias", WEAK)
@pytest.mark.parametrize(("title", "summary"), BESIDE)
def test_an_alias_that_needs_context_links_beside_its_film(alias: Alias, title: str, summary: str) -> None:
    assert links(alias, title, summary)


def test_a_former_title_stood_by_itself_while_it_was_the_title() -> None:
    assert links(Alias(title="Grey Harvest", type=AliasType.FORMER_TITLE, until=date(2026, 5, 1)), *ALONE)
