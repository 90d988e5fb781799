"""The language of subscriptions: what it means, how it prints, and where each mistake is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.query import (
    And,
    Facts,
    Field,
    Not,
    Or,
    Query,
    QueryError,
    Term,
    all_of,
    any_of,
    explain_hit,
    explain_miss,
    find_unknown,
    parse_query,
    print_query,
    read_facts,
)
from core.values import Salience, Tier
from tests.core.makers import DISPATCH, LEDGER, article, film, story, topic

ABOUT = (Salience.ABOUT,)
HARBOUR = read_facts(
    story(film("salt"), film("ferry", Salience.MENTIONS), topic("stunts")),
    article("Odile Brandtner jumps", summary="The stunt-team said: no nets!", publisher=LEDGER),
)


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("brandtner", True),
        ("BRANDTNER jumps", True),
        ("jumps brandtner", True),
        ('"jumps brandtner"', False),
        ('"stunt team"', True),
        ("brandt", False),
        ("film:salt", True),
        ("film:ferry", False),
        ("topic:stunts AND NOT rumour", True),
        ("NOT jumps", False),
        ("rumour OR film:salt", True),
        ("rumour OR film:salt AND topic:trailer", False),
        ("(rumour OR film:salt) topic:stunts", True),
        ('person:"Odile Brandtner"', True),
        ("person:brandtner", True),
        ('outlet:"reel ledger"', True),
        ("outlet:Reel-Ledger", True),
        ("outlet:ledger", False),
        ("confirmed:yes", True),
        ("CONFIRMED:No", False),
        ("tier:press", True),
        ("tier:official", False),
        ("NOT NOT jumps", True),
        ("and", False),
    ],
)
def test_what_it_means(query: str, *, holds: bool) -> None:
    assert parse_query(query).holds(HARBOUR, ABOUT) is holds


def test_mentions_count_where_they_are_asked_for() -> None:
    assert parse_query("film:ferry").holds(HARBOUR, (Salience.MENTIONS,))


def test_a_fan_site_confirms_nothing() -> None:
    assert not parse_query("confirmed:yes").holds(read_facts(story(), article(publisher=DISPATCH)), ABOUT)


@pytest.mark.parametrize(
    ("query", "character", "says"),
    [
        ("", 1, "a condition is missing"),
        ("   ", 4, "a condition is missing"),
        ("a AND", 6, "a condition is missing"),
        ("a OR OR b", 6, "missing before OR"),
        ("AND a", 1, "missing before AND"),
        ("a AND OR b", 7, "missing before OR"),
        ("()", 2, "missing before )"),
        ("(a", 1, "never closed"),
        ("b (a AND (c)", 3, "never closed"),
        ("a) b", 2, "closes nothing"),
        ('a "b c', 3, "quotation mark is never closed"),
        ('film:"b', 6, "quotation mark is never closed"),
        ('a""', 2, "blank before this quotation mark"),
        ('""', 1, "this phrase is empty"),
        ('"…"', 1, "no word to look for"),
        ("film:", 6, "a value is missing"),
        ('person:"-"', 8, "no word to look for"),
        ("salt genre:horror", 6, "no field 'genre'"),
        ("words:x", 1, "no field 'words'"),
        (":x", 1, "no field ''"),
        ("confirmed:maybe", 11, "yes or no"),
        ("tier:gossip", 6, "official, trade, press, fan"),
        ("NOT", 4, "a condition is missing"),
        ("(" * 60 + "a" + ")" * 60, 52, "at most 50 deep"),
        ("NOT " * 60 + "a", 205, "at most 50 deep"),
        ("a" * 4001, 4001, "at most 4,000 characters"),
    ],
)
def test_a_mistake_points_at_its_character(query: str, character: int, says: str) -> None:
    with pytest.raises(QueryError, match=says.replace("(", r"\(").replace(")", r"\)")) as caught:
        parse_query(query)
    assert caught.value.position + 1 == character
    assert str(caught.value).startswith(f"character {character}: ")


def test_a_mistake_is_shown_below_its_line() -> None:
    with pytest.raises(QueryError) as caught:
        parse_query("salt AND\nfilm: x")
    assert caught.value.point().splitlines()[0] == "film: x"
    assert caught.value.point().splitlines()[1].startswith("     ^ here a value is missing")


@pytest.mark.parametrize(
    ("query", "position"),
    [("film:salt topic:stunts", None), ("x film:pepper", 7), ("film:salt NOT topic:fights", 20)],
)
def test_unknown_names_are_found(query: str, position: int | None) -> None:
    found = find_unknown(query, films={"salt"}, topics={"stunts"})
    assert (found.position if found else None) == position


def test_reasons() -> None:
    query = parse_query('film:salt AND (topic:stunts OR rumour) AND NOT "lego set"')
    assert explain_hit(query, HARBOUR, ABOUT) == ["film: salt (about)", "topic: stunts"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("film:salt AND topic:trailer", ["missing: topic:trailer"]),
        ("film:ferry", ["film ferry is only there as: mentions"]),
        ("rumour OR film:x", ["none of: rumour OR film:x"]),
        ("film:salt NOT (jumps OR lego)", ["ruled out by NOT (jumps OR lego): words: jumps"]),
        ("NOT NOT rumour", ["ruled out by NOT NOT rumour: NOT rumour"]),
        ("a AND b", ["missing: a", "missing: b"]),
    ],
)
def test_what_was_missing(query: str, says: list[str]) -> None:
    assert explain_miss(parse_query(query), HARBOUR, ABOUT) == says


WORDS = ["salt", "ferry", "night boat", "Cannes", "AND", "or", 'a "b" c', "x\\y", "Mission: Salt", "(x)", "a\nb"]
TERMS = st.one_of(
    st.builds(Term, st.sampled_from([Field.WORDS, Field.PERSON]), st.sampled_from(WORDS)),
    st.builds(Term, st.sampled_from([Field.WORDS, Field.OUTLET, Field.FILM]), st.text(min_size=1).filter(str.isalpha)),
    st.builds(Term, st.sampled_from([Field.FILM, Field.TOPIC, Field.OUTLET]), st.sampled_from(WORDS)),
    st.builds(Term, st.just(Field.CONFIRMED), st.sampled_from(["yes", "no"])),
    st.builds(Term, st.just(Field.TIER), st.sampled_from([tier.value for tier in Tier])),
)


def _joined(parts: list[Query], *, by_and: bool) -> Query:
    joined = all_of(parts) if by_and else any_of(parts)
    assert joined is not None
    return joined


QUERIES: st.SearchStrategy[Query] = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda parts: _joined(parts, by_and=True), st.lists(inner, min_size=2, max_size=3)),
        st.builds(lambda parts: _joined(parts, by_and=False), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)
FACTS = st.builds(
    lambda films, topics, words, publisher: read_facts(
        story(*map(film, films), *map(topic, topics)), article(" ".join(words), publisher=publisher)
    ),
    st.sets(st.sampled_from(WORDS)),
    st.sets(st.sampled_from(WORDS)),
    st.lists(st.sampled_from(WORDS), max_size=4),
    st.sampled_from([LEDGER, DISPATCH]),
)


@given(QUERIES)
def test_reading_what_was_printed_gives_the_same_query(query: Query) -> None:
    assert parse_query(print_query(query)) == query
    assert print_query(parse_query(print_query(query))) == print_query(query)


@given(st.text(alphabet=st.sampled_from('ab :"()\\ANDORNOT film:'), max_size=40))
def test_any_text_is_read_or_refused_at_a_character_of_it(text: str) -> None:
    refused = -1
    try:
        assert parse_query(print_query(parse_query(text))) == parse_query(text)
    except QueryError as error:
        refused = error.position
    assert -1 <= refused <= len(text)


def _truth(query: Query, facts: Facts) -> bool:
    """The meaning, written a second time."""
    match query:
        case Term():
            return query.holds(facts, ABOUT)
        case Not(part=part):
            return not _truth(part, facts)
        case And(parts=parts):
            return all(_truth(part, facts) for part in parts)
        case Or(parts=parts):
            return any(_truth(part, facts) for part in parts)


@given(QUERIES, QUERIES, FACTS)
def test_de_morgan(one: Query, other: Query, facts: Facts) -> None:
    both, either = _joined([one, other], by_and=True), _joined([one, other], by_and=False)
    assert Not(both).holds(facts, ABOUT) is (_truth(Not(one), facts) or _truth(Not(other), facts))
    assert Not(either).holds(facts, ABOUT) is (_truth(Not(one), facts) and _truth(Not(other), facts))


@given(QUERIES, FACTS)
def test_what_does_not_hold_is_explained_and_what_holds_is_not(query: Query, facts: Facts) -> None:
    assert query.holds(facts, ABOUT) is _truth(query, facts)
    if not query.holds(facts, ABOUT):
        assert explain_miss(query, facts, ABOUT)
