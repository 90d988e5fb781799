"""Which topics a text reports, and whether it is production news: with and without the shipped model."""

import pytest

from bench.tags.corpus import read_topics
from config.models import load_model
from core.tagging.cues import CueFinder
from core.tagging.features import further_features, wording_of
from core.tagging.films import FilmTagger
from core.tagging.tagger import Tagger
from core.tagging.text import Document
from core.tagging.topics import TopicTagger
from core.values import Tagging
from tests.core.tagging.makers import make_article, make_film, make_topic

TOPICS = read_topics()
TAGGER = Tagger(films=[make_film("Harrowgate 2", year=2027)], topics=TOPICS, model=load_model("tags"))


def tag(title: str, summary: str = "", *categories: str) -> Tagging:
    return TAGGER.tag(make_article(title, summary, categories=categories))


@pytest.mark.parametrize(
    ("title", "summary", "topic"),
    [
        ("Harrowgate 2 Set Video Leaks Online", "New set video shows the lead filming a chase.", "set-video"),
        (
            "Harrowgate 2 Set Photos Reveal the Villain",
            "New photos from the film's set show its villain in costume.",
            "set-photo",
        ),
        ("Harrowgate 2 Star Breaks Down Her Most Dangerous Stunt", "She did the stunt herself.", "stunts"),
        ("Ines Okoro Joins Harrowgate 2", "Ines Okoro has joined the cast of Harrowgate 2.", "casting"),
        ("Ada Quill to Direct Harrowgate 2", "Ada Quill will direct the sequel.", "crew"),
        ("Harrowgate 2 Wraps Filming", "The sequel has wrapped production.", "filming"),
        ("Harrowgate 2 Sets Release Date", "The film will be released in theaters on June 4.", "release-date"),
        ("First Harrowgate 2 Trailer Arrives", "Watch the first trailer for Harrowgate 2.", "trailer"),
        ("Harrowgate 2 First Look Unveils New Images", "First-look images of the film.", "first-look"),
        ("Harrowgate 2 Runtime Revealed", "The film's runtime is its longest yet.", "post-production"),
    ],
)
def test_plain_news_gets_its_topic(title: str, summary: str, topic: str) -> None:
    tagging = tag(title, summary, "Movie News", "Harrowgate 2")

    assert tagging.is_production_news
    assert topic in {t.ref for t in tagging.topics}


@pytest.mark.parametrize(
    ("title", "summary", "topic"),
    [
        ("New set video shows Ines Okoro swinging over a street for Harrowgate 2", "", "set-video"),
        ("Leaked footage from the set of Harrowgate 2 shows a masked man", "", "set-video"),
        ("Harrowgate 2 set photos reveal Ines Okoro on a motorbike in Lisbon", "", "set-photo"),
        ("Harrowgate 2 stunt coordinator on how the tank chase was shot", "", "stunts"),
        ("Crew member hurt on the set of Harrowgate 2", "Filming was halted for the day.", "incident"),
    ],
)
def test_what_was_seen_on_a_set_is_found_without_categories(title: str, summary: str, topic: str) -> None:
    tagging = tag(title, summary)

    assert tagging.is_production_news
    assert topic in {t.ref for t in tagging.topics}


@pytest.mark.parametrize(
    ("title", "summary", "section"),
    [
        ("10 Greatest Movie Stunts, Ranked", "These are the best stunts ever filmed.", "Movie Lists"),
        ("Harbor Lights Season 3 Trailer Arrives", "The TV series returns with a new season.", "TV News"),
        ("Harrowgate 2 Review: A Slow Sequel", "The film never finds its feet.", "Movie Reviews"),
        ("Iron Lantern Patch 4.2 Release Date", "The game's next update adds new characters.", "Gaming"),
        ("Harrowgate Tops the Box Office Again", "The film made $40 million this weekend.", "Movie News"),
    ],
)
@pytest.mark.parametrize("with_section", [True, False])
def test_what_is_no_production_news(title: str, summary: str, section: str, with_section: bool) -> None:
    tagging = tag(title, summary, *([section] if with_section else []))

    assert not tagging.is_production_news
    assert tagging.topics == ()


def test_an_address_is_read_without_the_films_it_names() -> None:
    film = make_film("Harrowgate 2", year=2027)
    document = Document(make_article("It Is Happening", slug="2026/harrowgate-2-starts-filming-1234567"))
    features = further_features(wording_of(document, FilmTagger([film]).tag_document(document)))

    assert {"u:Film starts", "u:starts filming", "u:filming $", "u:2026"} <= set(features)
    assert not any("harrowgate" in f or "1234567" in f for f in features)


def test_topics_show_the_words_that_caused_them() -> None:
    tagging = tag("Harrowgate 2 Wraps Filming", "The sequel has wrapped production.", "Movie News")
    filming = next(t for t in tagging.topics if t.ref == "filming")

    assert filming.evidence[0].field == "title"
    assert filming.evidence[0].words in "Harrowgate 2 Wraps Filming"


def test_an_operators_topic_works_by_its_words() -> None:
    own = make_topic("costumes", "costume fitting*", "wardrobe ... revealed", blockers=("halloween",))
    tagger = Tagger(films=[], topics=[*TOPICS, own], model=load_model("tags"))
    told = make_article(
        "‘Harrowgate 2’ Costume Fittings Begin Ahead of Filming",
        "The film starts shooting soon.",
        categories=("Movie News",),
    )
    blocked = make_article("Halloween Costume Fittings for Movie Fans", "A movie night.", categories=("Movie News",))

    assert "costumes" in {t.ref for t in tagger.tag(told).topics}
    assert "costumes" not in {t.ref for t in tagger.tag(blocked).topics}


def test_without_a_model_cues_decide() -> None:
    tagger = TopicTagger([make_topic("stunts", "stunt*", blockers=("publicity stunt",))])

    score, tags = tagger.tag(make_article("Stuntwoman Hangs From a Bridge"))
    assert [t.ref for t in tags] == ["stunts"]
    assert score > 0
    assert tagger.tag(make_article("A Publicity Stunt, Say Critics"))[1] == ()


def test_a_topic_that_is_no_production_does_not_make_production_news() -> None:
    tagger = TopicTagger([make_topic("awards", "wins prize", is_production=False)])

    score, tags = tagger.tag(make_article("Harrowgate Wins Prize"))
    assert [t.ref for t in tags] == ["awards"]
    assert score == 0.0


@pytest.mark.parametrize(
    ("cue", "title", "is_found"),
    [
        pytest.param("set photo", "New Set Photo Leaks", True, id="whole-words"),
        pytest.param("set photo", "Sunset Photography Tips", False, id="not-inside-words"),
        pytest.param("film*", "Filming Starts", True, id="open-ending"),
        pytest.param("title ... revealed", "Title of Sequel Finally Revealed", True, id="gap"),
        pytest.param("title ... revealed", "Revealed: The Title", False, id="gap-in-order"),
        pytest.param(
            "title ... revealed", "Title One Two Three Four Five Six Seven Revealed", False, id="gap-too-wide"
        ),
        pytest.param("behind the scenes", "Behind-the-Scenes Look", True, id="hyphens"),
    ],
)
def test_cues_find_what_they_say(cue: str, title: str, is_found: bool) -> None:
    assert bool(CueFinder([cue]).find(Document(make_article(title)))) is is_found


def test_a_gap_does_not_reach_into_the_next_field() -> None:
    assert not CueFinder(["title ... revealed"]).find(Document(make_article("A New Title", "Revealed today.")))
