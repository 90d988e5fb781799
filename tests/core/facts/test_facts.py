"""Facts read from sentences of our own, with invented films: what is stated, how surely, and what is left out."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.facts.finder import FactFinder
from core.facts.telling import say_fact
from core.tagging.films import FilmTagger
from core.values import Fact, Film, FilmId, FilmStatus, Salience, Tag, TagKind, Tier
from tests.core.tagging.makers import make_article, make_film

SALT = make_film(
    "The Salt Meridian",
    year=2027,
    film_id="salt",
    aliases=("Salt Meridian",),
    people=("Petra Halloran", "Tomas Vargany", "Odile Brandtner", "Ines Calloway"),
)
GLASS = make_film("Glass Harbor: Part Two", year=2028, film_id="glass", people=("Rufus Oyelaran", "Clara Whitlock"))
OLD = make_film("Winter Ledger", year=2019, film_id="ledger", people=("Marta Quill",), status=FilmStatus.RELEASED)
FILMS = (SALT, GLASS, OLD)
FINDER, TAGGER = FactFinder(FILMS, frozenset(["harbor", "winter", "field"])), FilmTagger(FILMS)


def about(*films: Film, title: str, summary: str = "") -> tuple[Tag, ...]:
    """Tags as the tagger gives them; a film it does not link in this wording is said to be the subject."""
    found = {tag.ref: tag for tag in TAGGER.tag(make_article(title, summary))}
    return tuple(
        replace(found[film.film_id], salience=Salience.ABOUT)
        if film.film_id in found
        else Tag(kind=TagKind.FILM, ref=film.film_id, score=0.9, salience=Salience.ABOUT)
        for film in films
    )


def read(title: str, summary: str = "", *, films: tuple[Film, ...] = (SALT,), tier: Tier = Tier.PRESS) -> list[Fact]:
    article = make_article(title, summary)
    article = replace(article, publisher=replace(article.publisher, tier=tier))
    return list(FINDER.find(article, about(*films, title=title, summary=summary)))


def said(facts: list[Fact]) -> list[str]:
    return [f"{fact.kind}: {say_fact(fact)}" for fact in facts]


STATED = [
    # who joins
    ("Ines Calloway Joins ‘The Salt Meridian’ as Alma Reyes", ["joins: Ines Calloway joins as Alma Reyes"]),
    ("Ines Calloway joins The Salt Meridian", ["joins: Ines Calloway joins"]),
    ("Ines Calloway Has Joined the Cast of 'The Salt Meridian'", ["joins: Ines Calloway joins"]),
    ("Ines Calloway Officially Joins Petra Halloran's 'The Salt Meridian'", ["joins: Ines Calloway joins"]),
    ("Nora Delacroix Cast in 'The Salt Meridian'", ["joins: Nora Delacroix joins"]),
    ("Nora Delacroix cast as Captain Vane in 'The Salt Meridian'", ["joins: Nora Delacroix joins as Captain Vane"]),
    ("Nora Delacroix cast as the voice of Vane in 'The Salt Meridian'", ["joins: Nora Delacroix joins as Vane"]),
    ("Nora Delacroix to Star in ‘The Salt Meridian’", ["joins: Nora Delacroix joins"]),
    ("Nora Delacroix Set to Star in Sea Thriller 'The Salt Meridian'", ["joins: Nora Delacroix joins"]),
    ("Nora Delacroix Will Play Captain Vane in 'The Salt Meridian'", ["joins: Nora Delacroix joins as Captain Vane"]),
    ("Nora Delacroix to voice Captain Vane in The Salt Meridian", ["joins: Nora Delacroix joins as Captain Vane"]),
    ("'The Salt Meridian' Adds Nora Delacroix", ["joins: Nora Delacroix joins"]),
    ("‘The Salt Meridian’ Casts Ines Calloway as Alma Reyes", ["joins: Ines Calloway joins as Alma Reyes"]),
    ("'The Salt Meridian' Casts ‘Low Tide’ Star Nora Delacroix", ["joins: Nora Delacroix joins"]),
    (
        "Nora Delacroix, Simon Ashgrove & Ines Calloway Join ‘The Salt Meridian’",
        ["joins: Nora Delacroix joins", "joins: Simon Ashgrove joins", "joins: Ines Calloway joins"],
    ),
    ("'The Salt Meridian' Confirms Nora Delacroix Casting", ["joins: Nora Delacroix joins"]),
    ("Nora Delacroix to Lead 'The Salt Meridian'", ["joins: Nora Delacroix joins"]),
    ("The Salt Meridian: Nora Delacroix Joins Tomas Vargany in 'The Salt Meridian'", ["joins: Nora Delacroix joins"]),
    # who returns
    ("Tomas Vargany Returns in 'The Salt Meridian'", ["returns: Tomas Vargany returns"]),
    ("Tomas Vargany Will Return for 'The Salt Meridian'", ["returns: Tomas Vargany returns"]),
    (
        "Tomas Vargany will reprise his role as Elias Brand in 'The Salt Meridian'",
        ["returns: Tomas Vargany returns as Elias Brand"],
    ),
    ("Odile Brandtner Confirmed to Return as Vane in 'The Salt Meridian'", ["returns: Odile Brandtner returns"]),
    # talks
    ("Nora Delacroix in Talks to Join 'The Salt Meridian'", ["in-talks: Nora Delacroix is in talks"]),
    ("Nora Delacroix in Negotiations for ‘The Salt Meridian’", ["in-talks: Nora Delacroix is in talks"]),
    ("Nora Delacroix in talks to direct 'The Salt Meridian'", ["in-talks: Nora Delacroix is in talks as director"]),
    ("'The Salt Meridian' in Early Talks With Nora Delacroix", ["in-talks: Nora Delacroix is in talks"]),
    # who leaves, who replaces whom
    ("Tomas Vargany Exits 'The Salt Meridian'", ["leaves: Tomas Vargany leaves"]),
    ("Tomas Vargany Drops Out of ‘The Salt Meridian’", ["leaves: Tomas Vargany leaves"]),
    ("Director Petra Halloran has left 'The Salt Meridian'", ["leaves: Petra Halloran leaves as director"]),
    ("'The Salt Meridian' Loses Director Petra Halloran", ["leaves: Petra Halloran leaves as director"]),
    ("Tomas Vargany is no longer attached to 'The Salt Meridian'", ["leaves: Tomas Vargany leaves"]),
    (
        "Nora Delacroix Replaces Odile Brandtner in 'The Salt Meridian'",
        ["replaces: Nora Delacroix replaces Odile Brandtner"],
    ),
    (
        "Odile Brandtner replaced by Nora Delacroix in 'The Salt Meridian'",
        ["replaces: Nora Delacroix replaces Odile Brandtner"],
    ),
    # crew
    ("Nora Delacroix to Direct 'The Salt Meridian'", ["directs: Nora Delacroix directs"]),
    ("‘The Salt Meridian’ Taps Nora Delacroix to Direct", ["directs: Nora Delacroix directs"]),
    ("‘The Salt Meridian’ Lands Director Nora Delacroix", ["directs: Nora Delacroix directs"]),
    ("'The Salt Meridian', directed by Simon Ashgrove, has a crew.", ["directs: Simon Ashgrove directs"]),
    (
        "Nora Delacroix to Write and Direct 'The Salt Meridian'",
        ["directs: Nora Delacroix directs", "writes: Nora Delacroix writes"],
    ),
    ("Simon Ashgrove to Pen 'The Salt Meridian'", ["writes: Simon Ashgrove writes"]),
    ("'The Salt Meridian' is being written by Simon Ashgrove.", ["writes: Simon Ashgrove writes"]),
    # where and when it is shot
    (
        "'The Salt Meridian' is now filming in Iceland",
        ["films-in: shooting in Iceland", "shoot-starts: shooting has started"],
    ),
    (
        "Production on 'The Salt Meridian' is underway in Cape Town",
        ["films-in: shooting in Cape Town", "shoot-starts: shooting has started"],
    ),
    ("'The Salt Meridian' is filming in IMAX", ["shoot-starts: shooting has started"]),
    ("'The Salt Meridian' Begins Filming", ["shoot-starts: shooting has started"]),
    ("Filming has begun on 'The Salt Meridian'", ["shoot-starts: shooting has started"]),
    ("'The Salt Meridian' is set to start filming in June 2026", ["shoot-starts: shooting is to start: June 2026"]),
    ("'The Salt Meridian' to begin production next month", ["shoot-starts: shooting is to start: June 2026"]),
    ("'The Salt Meridian' will start shooting this summer", ["shoot-starts: shooting is to start: summer 2026"]),
    ("‘Low Tide’ Spin-Off ‘The Salt Meridian’ Set to Start Filming", ["shoot-starts: shooting is to start"]),
    ("'The Salt Meridian' Wraps Filming", ["shoot-wraps: shooting has wrapped"]),
    ("Filming on 'The Salt Meridian' has wrapped", ["shoot-wraps: shooting has wrapped"]),
    # when it comes out
    (
        "‘The Salt Meridian’ Moves From March 6 to May 22, 2027",
        ["release: release: May 22, 2027, moved from March 6, 2027"],
    ),
    (
        "'The Salt Meridian' delayed from December 18, 2026, to March 5, 2027",
        ["release: release: March 5, 2027, moved from December 18, 2026"],
    ),
    ("'The Salt Meridian' pushed to summer 2028", ["release: release: summer 2028"]),
    ("'The Salt Meridian' hits theaters on July 17, 2026", ["release: release: July 17, 2026"]),
    ("'The Salt Meridian' hits theaters on July 17", ["release: release: July 17"]),
    ("'The Salt Meridian' Sets 2027 Release Date", ["release: release: 2027"]),
    ("'The Salt Meridian' Announces Second Release Date of June 4, 2027", ["release: release: June 4, 2027"]),
    ("'The Salt Meridian' Lands October 9, 2026 Release Date", ["release: release: October 9, 2026"]),
    ("'The Salt Meridian' will debut on Netflix on Aug. 7", ["release: release on Netflix: August 7"]),
    ("'The Salt Meridian' Sets Netflix Release in April 2027", ["release: release on Netflix: April 2027"]),
    ("'The Salt Meridian' is slated for June 4, 2027", ["release: release: June 4, 2027"]),
    # how long, and how it is rated
    ("'The Salt Meridian' has a runtime of 142 minutes", ["runtime: runs 142 minutes"]),
    ("'The Salt Meridian' will have a 142-minute runtime", ["runtime: runs 142 minutes"]),
    ("'The Salt Meridian' Runtime Is 2 hours and 22 minutes", ["runtime: runs 2 hours and 22 minutes"]),
    ("'The Salt Meridian' has been rated PG-13", ["rating: rated PG-13"]),
    ("'The Salt Meridian' receives an R rating", ["rating: rated R"]),
    # what is denied
    ("Tomas Vargany will not return for 'The Salt Meridian'", ["returns: denied: Tomas Vargany returns"]),
    ("Tomas Vargany Denies Joining 'The Salt Meridian'", ["joins: denied: Tomas Vargany joins"]),
    ("Tomas Vargany is not in 'The Salt Meridian'", ["joins: denied: Tomas Vargany joins"]),
]  # fmt: skip


@pytest.mark.parametrize(("title", "expected"), STATED, ids=[case[0][:60] for case in STATED])
def test_what_a_sentence_states_is_read(title: str, expected: list[str]) -> None:
    assert sorted(said(read(title))) == sorted(expected)


LEFT_OUT = [
    "Nora Delacroix Could Join 'The Salt Meridian'",
    "Nora Delacroix Might Play Captain Vane in 'The Salt Meridian'",
    "Will Nora Delacroix Join 'The Salt Meridian'?",
    "Is Nora Delacroix Joining 'The Salt Meridian'?",
    "Nora Delacroix Was Once Considered to Star in 'The Salt Meridian'",
    "Nora Delacroix Almost Joined 'The Salt Meridian'",
    "Fans Want Nora Delacroix to Star in 'The Salt Meridian'",
    "Nora Delacroix Wants to Join 'The Salt Meridian'",
    "Nora Delacroix Hopes to Return for 'The Salt Meridian'",
    "10 Actors Who Should Join 'The Salt Meridian'",
    "7 Stars Joining 'The Salt Meridian' Who Were in Low Tide",
    "How Nora Delacroix Joined 'The Salt Meridian'",
    "Why Tomas Vargany Left 'The Salt Meridian'",
    "Nora Delacroix Joins Tomas Vargany in ‘The Salt Meridian’ Trailer",
    "'The Salt Meridian' Star Nora Delacroix Joins ‘Low Tide’",
    "'The Salt Meridian' Star Nora Delacroix Joins New Netflix Thriller",
    "‘The Salt Meridian’ director Petra Halloran to direct 'Low Tide'",
    "Nora Delacroix Joins Forces With Tomas Vargany at Sea",
    "Nora Delacroix Joins Season 3 of the Series",
    "Captain Vane Joins the Crew in 'The Salt Meridian'",
    "'The Salt Meridian' Adds a New Villain",
    "'The Salt Meridian' Leaves the Door Open for a Sequel",
    "Tomas Vargany Leaves Fans in Tears With 'The Salt Meridian'",
    "Tomas Vargany reacts to joining 'The Salt Meridian'",
    "'The Salt Meridian' Filming Update Revealed",
    "'The Salt Meridian' Filming Start Window Revealed",
    "After 'The Salt Meridian' wraps filming, Petra Halloran rests",
    "'The Salt Meridian' is set in Iceland",
    "'The Salt Meridian' returns to theaters on July 17 in 4K",
    "'The Salt Meridian' trailer arrives on July 17",
    "'The Salt Meridian' soundtrack hits stores on July 17",
    "'The Salt Meridian' (Harbor Remix) has a cover before the single's release on July 17",
    "‘The Salt Meridian’ album arrives on July 17",
    "The Salt Meridian Gets Official New Release on July 17",
    "The Salt Meridian Sets Third Official 2026 Release With New Designs",
    "'The Salt Meridian' hit theaters on April 17",
    "'The Salt Meridian' is leaving Netflix on July 17",
    "The first 20 minutes of 'The Salt Meridian' were shown",
    "R-rated thriller 'The Salt Meridian' gets a new image",
    "“I would love to join ‘The Salt Meridian’,” says Nora Delacroix",
    "Nora Delacroix jokes that she is joining 'The Salt Meridian'",
    "Nora Delacroix shuts down talk of a part",
    "If Nora Delacroix joins 'The Salt Meridian', it changes everything",
    "Rumors about Nora Delacroix joining 'The Salt Meridian' are false",
    "Sylvan Pictures Joins 'The Salt Meridian'",
    "'The Salt Meridian' pre-production has begun",
]


@pytest.mark.parametrize("title", LEFT_OUT, ids=[case[:60] for case in LEFT_OUT])
def test_what_is_not_stated_is_left_out(title: str) -> None:
    assert said(read(title)) == []


@pytest.mark.parametrize(
    ("title", "tier", "expected"),
    [
        ("Nora Delacroix Joins 'The Salt Meridian'", Tier.PRESS, "reported"),
        ("Nora Delacroix Joins 'The Salt Meridian'", Tier.OFFICIAL, "confirmed"),
        ("Nora Delacroix Officially Joins 'The Salt Meridian'", Tier.FAN, "confirmed"),
        ("Nora Delacroix Reportedly Joins 'The Salt Meridian'", Tier.TRADE, "reported"),
        ("Nora Delacroix Rumored to Join 'The Salt Meridian'", Tier.PRESS, "rumoured"),
        ("Tomas Vargany will not return for 'The Salt Meridian'", Tier.PRESS, "denied"),
    ],
)
def test_the_words_say_how_sure_it_is(title: str, tier: Tier, expected: str) -> None:
    assert [fact.certainty.value for fact in read(title, tier=tier)] == [expected]


def test_a_fact_names_the_sentence_and_the_field_it_stands_in() -> None:
    summary = "The sea film has a lead. Nora Delacroix will star in 'The Salt Meridian'. More to come."
    [fact] = read("Big news for 'The Salt Meridian'", summary)
    assert (fact.field, fact.sentence) == ("summary", "Nora Delacroix will star in 'The Salt Meridian'.")


def test_of_two_films_the_one_named_beside_the_fact_is_meant() -> None:
    title = "Ines Calloway Joins ‘The Salt Meridian’ as ‘Glass Harbor: Part Two’ Waits"
    assert [(f.film_id, f.subject) for f in read(title, films=(SALT, GLASS))] == [("salt", "Ines Calloway")]
    assert read("Nora Delacroix joins the cast of both films", films=(SALT, GLASS)) == []


def test_a_sentence_without_the_film_speaks_of_the_only_one_if_it_says_film() -> None:
    facts = read("‘The Salt Meridian’ Is Moving Ahead", "The film is set to hit theaters on June 4, 2027.")
    assert [(f.film_id, f.day) for f in facts] == [("salt", "2027-06-04")]
    assert read("‘The Salt Meridian’ Is Moving Ahead", "Low Tide hits theaters on June 4, 2027.") == []


def test_a_film_that_came_out_years_ago_is_not_made_now() -> None:
    assert read("Nora Delacroix Joins 'Winter Ledger'", films=(OLD,)) == []
    [fact] = read("'Winter Ledger' lands on Netflix on June 4", films=(OLD,))
    assert (fact.detail, fact.day) == ("Netflix", "--06-04")


def test_the_same_fact_twice_is_kept_once_with_the_fuller_words() -> None:
    facts = read(
        "Nora Delacroix Joins 'The Salt Meridian'", "Nora Delacroix will play Captain Vane in 'The Salt Meridian'."
    )
    assert said(facts) == ["joins: Nora Delacroix joins as Captain Vane"]


def test_facts_need_a_film_of_the_catalogue() -> None:
    tag = Tag(kind=TagKind.FILM, ref=FilmId("unknown"), score=0.9)
    assert FINDER.find(make_article("Nora Delacroix Joins 'The Salt Meridian'"), (tag,)) == ()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.text(max_size=600))
def test_any_text_is_read_without_an_error_and_each_fact_stands_in_it(title: str, summary: str) -> None:
    article = make_article(f"{title} 'The Salt Meridian' {title}", summary)
    for fact in FINDER.find(article, about(SALT, title=article.title)):
        assert fact.sentence in f"{article.title}\n{article.summary}"
