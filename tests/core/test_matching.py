"""Which subscriptions a story satisfies: table tests per field, and the index against a plain scan."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.matching import SubscriptionIndex, explain_silence
from core.query import parse_query, read_facts
from core.values import Article, Salience, Story, Subscription, TagKind, Tier
from tests.core.makers import DISPATCH, LEDGER, article, film, film_subscription, story, subscription, topic

SALT, FERRY = "the-salt-meridian", "night-ferry-to-korsund"


def names(subscriptions: list[Subscription], a_story: Story, an_article: Article) -> list[str]:
    return [s.subscription_id for s, _ in SubscriptionIndex(subscriptions).match(a_story, an_article)]


@pytest.mark.parametrize(
    ("asked", "told", "matches"),
    [
        pytest.param(film_subscription("s", SALT), story(film(SALT)), True, id="the film"),
        pytest.param(film_subscription("s", SALT), story(film(FERRY)), False, id="another film"),
        pytest.param(film_subscription("s", SALT), story(film(SALT, Salience.MENTIONS)), False, id="only mentioned"),
        pytest.param(
            film_subscription("s", SALT, saliences=(Salience.MENTIONS,)),
            story(film(SALT, Salience.MENTIONS)),
            True,
            id="mentions asked for",
        ),
        pytest.param(film_subscription("s", SALT, FERRY), story(film(FERRY)), True, id="any of the films"),
        pytest.param(subscription("s", topics=("stunts",)), story(topic("stunts")), True, id="the topic"),
        pytest.param(film_subscription("s", SALT, topics=("stunts",)), story(film(SALT)), False, id="film, no topic"),
        pytest.param(
            film_subscription("s", SALT, topics=("stunts",)), story(film(SALT), topic("stunts")), True, id="both"
        ),
        pytest.param(subscription("s"), story(), True, id="asks for nothing: every production story"),
        pytest.param(subscription("s"), story(is_production_news=False), False, id="no production news"),
        pytest.param(
            subscription("s", production_only=False), story(is_production_news=False), True, id="everything asked for"
        ),
        pytest.param(film_subscription("s", SALT, is_enabled=False), story(film(SALT)), False, id="paused"),
    ],
)
def test_story_conditions(asked: Subscription, told: Story, *, matches: bool) -> None:
    assert bool(names([asked], told, article())) is matches


@pytest.mark.parametrize(
    ("asked", "told", "matches"),
    [
        pytest.param(subscription("s", words=("salt",)), article("A salt mine"), True, id="word"),
        pytest.param(subscription("s", words=("salt",)), article("Salty jokes"), False, id="part of a word"),
        pytest.param(subscription("s", words=("SALT mine",)), article("A salt-mine"), True, id="phrase over a hyphen"),
        pytest.param(subscription("s", words=("mine salt",)), article("A salt mine"), False, id="order counts"),
        pytest.param(subscription("s", words=("salt",)), article("x", summary="On salt."), True, id="in the summary"),
        pytest.param(subscription("s", words=("salt",)), article("x", text="… salt"), True, id="in the text"),
        pytest.param(
            subscription("s", words=("salt",), not_words=("cruise",)), article("A salt cruise"), False, id="vetoed"
        ),
        pytest.param(subscription("s", outlets=("Reel Ledger",)), article(), True, id="outlet by name"),
        pytest.param(subscription("s", outlets=("reel-ledger",)), article(), True, id="outlet by slug"),
        pytest.param(
            subscription("s", outlets=("Reel Ledger",)), article(publisher=DISPATCH), False, id="other outlet"
        ),
        pytest.param(subscription("s", min_tier=Tier.TRADE), article(publisher=DISPATCH), False, id="tier too low"),
        pytest.param(subscription("s", min_tier=Tier.TRADE), article(publisher=LEDGER), True, id="tier high enough"),
    ],
)
def test_article_conditions(asked: Subscription, told: Article, *, matches: bool) -> None:
    assert bool(names([asked], story(), told)) is matches


def test_reasons_name_what_hit() -> None:
    asked = film_subscription("s", SALT, topics=("stunts",), words=("lifeboat",))
    [(_, reasons)] = SubscriptionIndex([asked]).match(story(film(SALT), topic("stunts")), article("The lifeboat"))
    assert reasons == (f"film: {SALT} (about)", "topic: stunts", "words: lifeboat")


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        pytest.param(f"film:{SALT} AND lifeboat", True, id="both"),
        pytest.param(f"film:{FERRY} OR NOT cruise", True, id="needs nothing in particular"),
        pytest.param("NOT lifeboat", False, id="ruled out"),
        pytest.param("film:", False, id="cannot be read: matches nothing"),
    ],
)
def test_a_query_is_one_more_condition(query: str, *, matches: bool) -> None:
    asked = subscription("s", query=query)
    assert bool(names([asked], story(film(SALT)), article("The lifeboat"))) is matches


def test_silence_is_explained_condition_by_condition() -> None:
    asked = film_subscription("s", FERRY, query="lifeboat NOT boat", min_tier=Tier.TRADE, not_words=("lifeboat",))
    told = story(film(FERRY, Salience.MENTIONS), is_production_news=False)
    assert explain_silence(asked, told, article("The lifeboat: a boat", publisher=DISPATCH)) == [
        "not production news, and the subscription asks for nothing else",
        "its outlet is fan, below trade",
        f"film {FERRY} is only there as: mentions",
        "ruled out by NOT boat: words: boat",
        "ruled out by NOT lifeboat: words: lifeboat",
    ]
    assert explain_silence(subscription("s"), story(), article()) == []


WORDS = st.sampled_from(["salt", "ferry", "Cannes", "night boat"])
QUERIES = st.one_of(
    st.just(""),
    st.recursive(
        st.one_of(
            WORDS.map(lambda words: f'"{words}"'),
            st.sampled_from([f"film:{SALT}", f"film:{FERRY}", "topic:stunts", 'outlet:"Reel Ledger"', "tier:trade"]),
        ),
        lambda inner: st.one_of(
            inner.map(lambda part: f"NOT ({part})"),
            st.tuples(inner, inner).map(lambda parts: f"({parts[0]}) AND ({parts[1]})"),
            st.tuples(inner, inner).map(lambda parts: f"({parts[0]}) OR ({parts[1]})"),
        ),
        max_leaves=5,
    ),
)
SUBSCRIPTIONS = st.lists(
    st.builds(
        subscription,
        st.uuids().map(str),
        query=QUERIES,
        films=st.lists(st.sampled_from([SALT, FERRY]), max_size=2, unique=True).map(tuple),
        topics=st.lists(st.sampled_from(["stunts", "casting"]), max_size=2, unique=True).map(tuple),
        words=st.lists(WORDS, max_size=2, unique=True).map(tuple),
        not_words=st.lists(WORDS, max_size=1).map(tuple),
        outlets=st.lists(st.sampled_from(["Reel Ledger", "harbour-dispatch"]), max_size=1).map(tuple),
        production_only=st.booleans(),
        min_tier=st.sampled_from(Tier),
        is_enabled=st.booleans(),
    ),
    max_size=12,
)
STORIES = st.builds(
    lambda films, topics, is_news: story(*map(film, films), *map(topic, topics), is_production_news=is_news),
    st.sets(st.sampled_from([SALT, FERRY])),
    st.sets(st.sampled_from(["stunts", "casting"])),
    st.booleans(),
)
ARTICLES = st.builds(
    article,
    st.lists(st.sampled_from(["salt", "Ferry", "night", "boat", "cannes"]), max_size=4).map(" ".join),
    publisher=st.sampled_from([LEDGER, DISPATCH]),
)


@given(SUBSCRIPTIONS, STORIES, ARTICLES)
def test_the_index_finds_what_a_plain_scan_finds(asked: list[Subscription], told: Story, by: Article) -> None:
    assert names(asked, told, by) == sorted(s.subscription_id for s in asked if _holds(s, told, by))


# So many more that a few changes are few.
OTHERS = [subscription(f"other-{n}", query=f"film:other-{n}", is_enabled=n % 2 == 0) for n in range(300)]


@given(SUBSCRIPTIONS, SUBSCRIPTIONS, st.data(), STORIES, ARTICLES)
def test_an_index_that_was_changed_finds_what_a_new_one_finds(
    before: list[Subscription], fresh: list[Subscription], data: st.DataObject, told: Story, by: Article
) -> None:
    kept = data.draw(st.lists(st.sampled_from(before), unique_by=id)) if before else []
    changed = [replace(one, subscription_id=old.subscription_id) for one, old in zip(fresh, before, strict=False)]
    after = {one.subscription_id: one for one in (*kept, *changed, *fresh)}.values()
    index = SubscriptionIndex([*OTHERS, *before])
    index.replace([*OTHERS, *after])
    assert index.match(told, by) == SubscriptionIndex([*OTHERS, *after]).match(told, by)
    index.replace(after)
    assert index.match(told, by) == SubscriptionIndex(after).match(told, by)


def _holds(asked: Subscription, told: Story, by: Article) -> bool:
    """The definition of a match, written a second time without an index."""
    films = {t.ref for t in told.tags if t.kind is TagKind.FILM and t.salience in asked.saliences}
    topics = {t.ref for t in told.tags if t.kind is TagKind.TOPIC}
    words = " ".join(re.findall(r"\w+", by.title.casefold()))

    def said(phrase: str) -> bool:
        return f" {phrase.casefold()} " in f" {words} "

    return (
        asked.is_enabled
        and (told.is_production_news or not asked.production_only)
        and by.publisher.tier.weight >= asked.min_tier.weight
        and (not asked.films or bool(films & set(asked.films)))
        and (not asked.topics or bool(topics & set(asked.topics)))
        and (not asked.words or any(map(said, asked.words)))
        and not any(map(said, asked.not_words))
        and (not asked.outlets or bool({by.publisher.name, by.publisher.slug} & set(asked.outlets)))
        and (not asked.query or parse_query(asked.query).holds(read_facts(told, by), asked.saliences))
    )
