"""The desk's judgement from entry to Edit, with plain stand-ins where tagger and indexes are not the point."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.composing import merge_tags
from core.dedupe.duplicates import DuplicateIndex
from core.dedupe.stories import StoryIndex
from core.editing import Editor, Recollection, Remembered, Told, Windows, mark
from core.values import (
    Article,
    ArticleId,
    Assignment,
    Certainty,
    CorrectionKind,
    Duplicate,
    Edit,
    Entry,
    EventType,
    Fact,
    FactKind,
    FilmId,
    Publisher,
    PublisherSlug,
    Salience,
    Story,
    StoryId,
    Subscription,
    SubscriptionId,
    Tagging,
    TopicSlug,
)
from tests.core.makers import DISPATCH, LEDGER, START, entry, film, film_subscription, subscription, topic

SALT = "the-salt-meridian"
CREATED, UPDATED = EventType.STORY_CREATED, EventType.STORY_UPDATED


class WordTagger:
    """Tags by plain words: `salt` is the film, `stunt` and `cast` are topics; a review is no production news."""

    def tag(self, an_article: Article) -> Tagging:
        title = an_article.title.casefold()
        tags = [film(SALT)] if "salt" in title else []
        words = (("stunt", "stunts"), ("cast", "casting"), ("release", "release-date"))
        tags += [topic(slug) for word, slug in words if word in title]
        is_news = "review" not in title
        facts = tuple(a_fact(word, an_article) for word in an_article.title.split() if word[0] in "+-")
        return Tagging(is_production_news=is_news, production_score=float(is_news), tags=tuple(tags), facts=facts)


def a_fact(word: str, an_article: Article) -> Fact:
    """`+Ada` says that Ada joins, `-Ada` that she does not."""
    return Fact(
        kind=FactKind.JOINS,
        film_id=FilmId(SALT),
        certainty=Certainty.REPORTED if word[0] == "+" else Certainty.DENIED,
        subject=word[1:],
        sentence=an_article.title,
        field="title",
        article_id=an_article.article_id,
    )


class SameFirstWord:
    """Articles whose headlines begin with the same word report one event."""

    def __init__(self) -> None:
        self._stories: dict[str, tuple[StoryId, datetime]] = {}

    def assign(self, an_article: Article, _tagging: Tagging) -> Assignment:
        story_id, _ = self._stories.get(an_article.title.split()[0], (None, None))
        return Assignment(story_id=story_id, score=1.0 if story_id else 0.0)

    def add(self, an_article: Article, _tagging: Tagging, story_id: StoryId) -> None:
        self._stories.setdefault(an_article.title.split()[0], (story_id, an_article.event_at))

    def regroup(self, story_ids: Mapping[ArticleId, StoryId]) -> None:
        raise NotImplementedError

    def forget(self, before: datetime) -> None:
        self._stories = {word: kept for word, kept in self._stories.items() if kept[1] >= before}


class SameTitle:
    """A duplicate is the same headline."""

    def __init__(self) -> None:
        self._articles: dict[str, Article] = {}

    def find(self, an_article: Article) -> Duplicate | None:
        known = self._articles.get(an_article.title)
        return Duplicate(article_id=known.article_id, score=1.0, reason="same headline") if known else None

    def add(self, an_article: Article, *, duplicate_of: ArticleId | None = None) -> None:
        del duplicate_of
        self._articles.setdefault(an_article.title, an_article)

    def forget(self, before: datetime) -> None:
        self._articles = {title: a for title, a in self._articles.items() if a.event_at >= before}


def an_editor(*subscriptions: Subscription, next_ids: tuple[int, int] = (1, 1)) -> Editor:
    return Editor(
        tagger=WordTagger(),
        duplicates=SameTitle(),
        stories=SameFirstWord(),
        subscriptions=subscriptions or (film_subscription("salt", SALT),),
        windows=Windows(),
        next_article_id=ArticleId(next_ids[0]),
        next_story_id=StoryId(next_ids[1]),
    )


def told(edits: Sequence[Edit]) -> list[tuple[str, str, int]]:
    """What went out: subscription, event with its development, entry."""
    return [(m.subscription_id, mark(m.event, m.development), e.entry_id) for e in edits for m in e.matches]


def test_a_new_story_is_told_once_and_a_second_report_joins_it() -> None:
    editor = an_editor()
    edits = [editor.edit(e) for e in (entry(1, "Salt stunt"), entry(2, "Salt stunt seen", publisher=DISPATCH))]
    assert told(edits) == [("salt", "story.created", 1)]
    assert edits[1].story
    assert (edits[1].story.article_count, edits[1].story.outlet_count) == (2, 2)


def test_a_follow_up_that_first_names_the_film_tells_its_subscribers() -> None:
    editor = an_editor()
    edits = [editor.edit(entry(1, "Teaser of a secret film")), editor.edit(entry(2, "Teaser was for Salt"))]
    assert told(edits) == [("salt", "story.created", 2)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({"events": (CREATED,)}, ["story.created"], id="not asked for"),
        pytest.param({"events": (CREATED, UPDATED)}, ["story.created", "story.updated:topic:casting"], id="once"),
        pytest.param({"events": (UPDATED,)}, ["story.updated:topic:casting"], id="developments alone"),
        pytest.param(
            {"events": (CREATED, UPDATED), "topics": ("stunts",)}, ["story.created"], id="on another topic than asked"
        ),
    ],
)
def test_a_new_development_is_an_update(asked: dict[str, Any], expected: list[str]) -> None:
    editor = an_editor(film_subscription("salt", SALT, **asked))
    titles = ("Salt stunt", "Salt cast grows", "Salt cast named")
    edits = [editor.edit(entry(n, title)) for n, title in enumerate(titles, start=1)]
    assert [event for _, event, _ in told(edits)] == expected


def test_a_new_fact_is_an_update_told_once_and_not_beside_a_new_topic() -> None:
    editor = an_editor(film_subscription("salt", SALT, events=(CREATED, UPDATED)))
    titles = ("Salt opens +Ada", "Salt again +Ada", "Salt more +Bela", "Salt still +Bela", "Salt cast +Cleo")
    edits = [editor.edit(entry(n, title)) for n, title in enumerate(titles, start=1)]
    assert told(edits) == [
        ("salt", "story.created", 1),
        ("salt", "story.updated:fact:casting:Bela joins", 3),
        ("salt", "story.updated:topic:casting", 5),
    ]
    assert edits[-1].story
    assert [fact.subject for fact in edits[-1].story.facts] == ["Ada", "Bela", "Cleo"]


@pytest.mark.parametrize(("topics", "expected"), [(("casting",), 2), (("release-date",), 1)])
def test_one_that_asks_for_topics_is_told_of_facts_on_these(topics: tuple[str, ...], expected: int) -> None:
    asked = film_subscription("salt", SALT, events=(CREATED, UPDATED))
    editor = an_editor(replace(asked, topics=tuple(map(TopicSlug, topics)), query=""))
    first = "Salt cast release" if "casting" in topics else "Salt release"
    edits = [editor.edit(entry(n, title)) for n, title in enumerate((first, "Salt more +Bela"), start=1)]
    assert len(told(edits)) == expected


def test_a_denial_after_a_report_is_a_development() -> None:
    editor = an_editor(film_subscription("salt", SALT, events=(CREATED, UPDATED)))
    edits = [editor.edit(entry(n, t)) for n, t in enumerate(("Salt opens +Ada", "Salt again -Ada"), start=1)]
    assert told(edits)[1:] == [("salt", "story.updated:fact:casting:denied: Ada joins", 2)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"is_backlog": True}, "backlog", id="first contact"),
        pytest.param({"published_at": START - timedelta(days=8)}, "old", id="published long ago"),
    ],
)
def test_what_stays_quiet_says_why(changes: dict[str, Any], reason: str) -> None:
    edit = an_editor().edit(entry(1, "Salt stunt", **changes))
    assert not edit.matches
    assert edit.quiet_reason.startswith(reason)


def test_news_on_a_story_known_from_a_backlog_is_told() -> None:
    editor = an_editor()
    edits = [editor.edit(entry(1, "Salt stunt", is_backlog=True)), editor.edit(entry(2, "Salt stunt seen"))]
    assert told(edits) == [("salt", "story.created", 2)]


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"url": "https://reel-ledger.example/news/1?utm_source=mail"}, id="tracked link"),
        pytest.param({"guid": "another"}, id="new guid"),
        pytest.param({"url": "https://elsewhere.example/syndicated"}, id="same text elsewhere"),
    ],
)
def test_the_same_text_is_a_duplicate_and_tells_nobody(again: dict[str, Any]) -> None:
    editor = an_editor()
    first = entry(1, "Salt stunt")
    editor.edit(first)
    edit = editor.edit(replace(entry(2), item=replace(first.item, **again)))
    assert edit.duplicate
    assert edit.duplicate.article_id == 1
    assert not edit.matches
    assert edit.quiet_reason.startswith("duplicate")
    assert editor.story_of(ArticleId(1)) == 1


def test_items_that_all_link_to_the_front_page_are_told_apart_by_their_guids() -> None:
    editor = an_editor()
    home = "https://reel-ledger.example/"
    edits = [editor.edit(entry(1, "Salt stunt", url=home)), editor.edit(entry(2, "Ferry wraps", url=home))]
    assert [edit.duplicate for edit in edits] == [None, None]


def test_an_address_known_to_the_store_alone_is_no_news() -> None:
    editor = an_editor()
    editor.know_urls({"https://reel-ledger.example/news/1": ArticleId(9), "https://reel-ledger.example/news/2": None})
    edits = [editor.edit(entry(1, "Salt stunt")), editor.edit(entry(2, "Salt cast"))]
    assert [(edit.article, edit.matches) for edit in edits] == [(None, ()), (None, ())]
    assert "purged" in edits[1].quiet_reason


def test_the_most_credible_outlet_leads_the_story() -> None:
    editor = an_editor()
    editor.edit(entry(1, "Salt stunt", publisher=DISPATCH))
    edit = editor.edit(entry(2, "Salt stunt confirmed", publisher=LEDGER))
    assert edit.story
    assert (edit.story.outlet, edit.story.title) == ("Reel Ledger", "Salt stunt confirmed")
    assert edit.story.first_article_id == 1


def test_merging_tags_prefers_about_then_the_higher_score() -> None:
    held = [film("a", Salience.MENTIONS, 0.9), film("b", Salience.ABOUT, 0.6), topic("stunts", 0.5)]
    new = [film("a", Salience.ABOUT, 0.4), film("b", Salience.MENTIONS, 0.99), topic("stunts", 0.7)]
    best = {tag.ref: (tag.salience, tag.score) for tag in merge_tags(held, new)}
    assert best == {
        "a": (Salience.ABOUT, 0.4),
        "b": (Salience.ABOUT, 0.6),
        "stunts": (Salience.ABOUT, 0.7),
    }


# A desk that dies and rebuilds from what was stored must go on as the one that died would have.

SHEET = Publisher(slug=PublisherSlug("call-sheet"), name="Call Sheet")
HEADLINES = st.sampled_from(
    [
        "Salt stunt over the harbour",
        "Salt stunt over the harbour seen from the quay",
        "Salt cast grows by two",
        "Ferry trailer is out",
        "Ferry trailer is out at last",
        "A review of Salt",
        "Boats of the north",
        # The first two are alike, but not enough for one story; the third tells all that both tell.
        "Harbour stunt lifeboat crew night quay",
        "Harbour stunt lifeboat trailer dawn winch",
        "Harbour stunt lifeboat crew night quay trailer dawn winch",
    ]
)
ENTRIES = st.lists(
    st.tuples(HEADLINES, st.sampled_from([LEDGER, DISPATCH, SHEET]), st.integers(0, 9 * 24 * 60), st.booleans()),
    min_size=1,
    max_size=30,
)


def real_editor(next_ids: tuple[int, int] = (1, 1)) -> Editor:
    return Editor(
        tagger=WordTagger(),
        duplicates=DuplicateIndex(),
        stories=StoryIndex(window=Windows().story),
        subscriptions=(film_subscription("salt", SALT), subscription("all")),
        windows=Windows(),
        next_article_id=ArticleId(next_ids[0]),
        next_story_id=StoryId(next_ids[1]),
    )


def rebuild(edits: Sequence[Edit]) -> Editor:
    """Rebuild a desk from stored edits, as the store hands them out."""
    kept = [e for e in edits if e.article is not None]
    joined: dict[StoryId, StoryId] = {}
    for join in (join for e in edits for join in e.corrections):
        joined = {gone: join.story_id if at == join.other_id else at for gone, at in joined.items()}
        joined[join.other_id] = join.story_id
    stories: dict[StoryId, Story] = {e.story.story_id: e.story for e in edits if e.story}
    last_id = max(stories, default=0)
    living = {story_id: story for story_id, story in stories.items() if story_id not in joined}
    marks: dict[StoryId, Told] = {}
    for match in (m for e in edits for m in e.matches):
        told = marks.setdefault(joined.get(match.story_id, match.story_id), {})
        told.setdefault(SubscriptionId(match.subscription_id), set()).add(mark(match.event, match.development))
    remembered = [
        Remembered(
            article=e.article,
            tagging=e.tagging,
            story_id=joined.get(e.story.story_id, e.story.story_id) if e.story else None,
            strand_id=e.strand_id,
            duplicate_of=e.duplicate.article_id if e.duplicate else None,
        )
        for e in kept
        if e.article and e.tagging
    ]
    editor = real_editor((len(kept) + 1, last_id + 1))
    editor.remember(Recollection(articles=remembered, stories=living, told=marks))
    return editor


def as_entries(rows: list[tuple[str, Publisher, int, bool]]) -> list[Entry]:
    rows = sorted(rows, key=lambda row: row[2])
    return [
        entry(n, title, publisher=publisher, minutes=minutes, is_backlog=is_backlog)
        for n, (title, publisher, minutes, is_backlog) in enumerate(rows, start=1)
    ]


@settings(max_examples=60, deadline=None)
@given(ENTRIES, st.data())
def test_a_rebuilt_desk_decides_as_the_one_that_died(
    rows: list[tuple[str, Publisher, int, bool]], data: st.DataObject
) -> None:
    entries = as_entries(rows)
    dies_at = data.draw(st.integers(0, len(entries)))
    editor = real_editor()
    straight = [editor.edit(e) for e in entries]
    editor = real_editor()
    before = [editor.edit(e) for e in entries[:dies_at]]
    editor = rebuild(before)
    assert before + [editor.edit(e) for e in entries[dies_at:]] == straight


@settings(max_examples=60, deadline=None)
@given(ENTRIES)
def test_nobody_is_told_of_one_story_twice(rows: list[tuple[str, Publisher, int, bool]]) -> None:
    editor = real_editor()
    matches = [
        (m.subscription_id, m.story_id, m.event, m.development)
        for e in as_entries(rows)
        for m in editor.edit(e).matches
    ]
    assert len(matches) == len(set(matches))


def test_an_article_that_fits_two_stories_joins_them_and_alerts_nobody() -> None:
    editor = real_editor()
    titles = ("Harbour stunt lifeboat crew night quay", "Harbour stunt lifeboat trailer dawn winch")
    both = entry(3, "Harbour stunt lifeboat crew night quay trailer dawn winch", publisher=SHEET, minutes=9)
    first, second = (editor.edit(entry(n, titles[n - 1], publisher=(LEDGER, DISPATCH)[n - 1])) for n in (1, 2))
    third = editor.edit(both)
    assert first.story
    assert second.story
    assert third.story
    assert (first.story.story_id, second.story.story_id, third.story.story_id) == (1, 2, 1)
    [join] = third.corrections
    assert (join.kind, join.story_id, join.other_id) == (CorrectionKind.JOIN, 1, 2)
    assert (third.story.article_count, third.story.outlet_count, third.matches) == (3, 3, ())
    assert editor.story_of(ArticleId(2)) == 1
