"""Stories put together and taken apart: by the operator and by the desk, remembered, and never told twice."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.editing import Windows
from core.values import (
    ArticleId,
    Correction,
    CorrectionKind,
    EventType,
    FeedbackKind,
    ParsedEntry,
    Publisher,
    PublisherSlug,
    Source,
    SourceId,
    SourceKind,
    StoryId,
    Subscription,
    SubscriptionId,
    Tier,
)
from scheduler.desk import Desk, Models
from store.corrections import CorrectionError, merge_stories, split_story
from store.engine import Session, Store, open_store
from store.entries import add_entries
from store.feedback import Word, give_feedback
from store.housekeeping import Retention, purge
from store.sources import sync_sources
from store.stories import count_stories, latest_stories, story_detail
from store.subscriptions import add_subscription, all_endpoints
from store.tables import articles, corrections, deliveries, feedback, matches, stories, story_facts, story_tags
from store.views import StoryDetail
from tests.scheduler.line import CASTING, SALT, Crash, CrashingStore, furnish

START = datetime(2026, 3, 14, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TIERS = {"harbour-dispatch": Tier.FAN, "reel-ledger": Tier.TRADE, "call-sheet": Tier.PRESS}

STUNT = "‘The Salt Meridian’ stunt over the harbour wall"
AGAIN = "‘The Salt Meridian’ stunt over the harbour wall seen from the quay"
CAST = "Odile Brandtner joins the cast of ‘The Salt Meridian’ as ship's doctor"
FERRY = "Trailer of ‘Winter Ferry’ is out"
# The first two are alike, but not enough for one story; the third tells all that both tell.
CREW = "Harbour stunt lifeboat crew night quay"
WINCH = "Harbour stunt lifeboat trailer dawn winch"
BOTH = "Harbour stunt lifeboat crew night quay trailer dawn winch"


def source_of(slug: str) -> Source:
    return Source(
        source_id=SourceId(slug),
        publisher=Publisher(slug=PublisherSlug(slug), name=slug.replace("-", " ").title(), tier=TIERS[slug]),
        kind=SourceKind.FEED,
        url=f"https://{slug}.example/feed",
    )


@dataclass(slots=True)
class Newsroom:
    """Outlets that report, an operator, and a desk that may be restarted at any time."""

    store: Store
    at: datetime = START
    count: int = 0
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        furnish(self.store, "https://outlets.example", now=self.at)
        with self.store.write() as tx:
            sync_sources(tx, [source_of(slug) for slug in TIERS], now=self.at)
            [endpoint, *_] = [one.endpoint_id for one in all_endpoints(tx)]
            everything = Subscription(
                subscription_id=SubscriptionId("all"),
                name="All",
                production_only=False,
                events=(EventType.STORY_CREATED, EventType.STORY_UPDATED),
                endpoints=(endpoint,),
            )
            add_subscription(tx, everything, now=self.at)
        self.restart()

    def restart(self) -> None:
        self.desk = self.make_desk(self.store)

    def make_desk(self, store: Store) -> Desk:
        return Desk(
            store,
            models=Models(stories=None, tags=None),
            windows=Windows(),
            text_patience=MINUTE,
            base_url="http://127.0.0.1:8080",
        )

    def file(self, title: str, slug: str = "reel-ledger", *, is_backlog: bool = False) -> None:
        """Store a report that nobody has edited yet."""
        self.count += 1
        item = ParsedEntry(
            guid=str(self.count), url=f"https://{slug}.example/{self.count}", title=title, published_at=self.at
        )
        with self.store.write() as tx:
            add_entries(tx, source_of(slug), [item], now=self.at, is_backlog=is_backlog)

    def report(self, title: str, slug: str = "reel-ledger", *, is_backlog: bool = False) -> ArticleId:
        """Let an outlet report and the desk work until nothing is left; return the article."""
        self.file(title, slug, is_backlog=is_backlog)
        self.work()
        with self.store.read() as tx:
            return ArticleId(max(tx.execute(select(articles.c.article_id)).scalars()))

    def work(self) -> None:
        self.at += MINUTE
        while self.desk.edit_batch(lambda: self.at):
            pass

    def merge(self, kept: int, other: int, note: str = "") -> Correction | None:
        with self.store.write() as tx:
            return merge_stories(tx, StoryId(kept), StoryId(other), note=note, now=self.at)

    def split(self, story_id: int, *article_ids: int, note: str = "") -> Correction | None:
        named = [ArticleId(number) for number in article_ids]
        with self.store.write() as tx:
            return split_story(tx, StoryId(story_id), named, note=note, now=self.at)

    def say(self, story_id: int, *words: Word) -> None:
        if story_id:
            with self.store.write() as tx:
                give_feedback(tx, StoryId(story_id), words, now=self.at)

    def show(self, story_id: int) -> StoryDetail:
        with self.store.read() as tx:
            detail = story_detail(tx, StoryId(story_id))
        assert detail is not None
        return detail

    def members(self, story_id: int) -> list[int]:
        if not story_id:
            return []
        return [view.article.article_id for view in self.show(story_id).articles]

    def pick(self, number: int, *, article_count: int = 1) -> int:
        """One of the stories with so many articles at least; 0 where there is none."""
        with self.store.read() as tx:
            found = [view.story for view in latest_stories(tx, limit=99)]
        living = [story.story_id for story in found if story.article_count >= article_count]
        return living[number % len(living)] if living else 0

    def story_of(self, article_id: int) -> int:
        with self.store.read() as tx:
            return int(tx.execute(select(articles.c.story_id).where(articles.c.article_id == article_id)).scalar_one())

    def told(self, name: str = "all") -> list[tuple[int, str, int]]:
        """What a subscription was told: story, event, article; in order."""
        columns = matches.c.story_id, matches.c.event, matches.c.article_id
        query = select(*columns).where(matches.c.subscription_id == name).order_by(matches.c.match_id)
        with self.store.read() as tx:
            return [(story_id, event.value, article_id) for story_id, event, article_id in tx.execute(query)]

    def delivery_count(self) -> int:
        with self.store.read() as tx:
            return len(tx.execute(select(deliveries.c.delivery_id)).all())


@pytest.fixture
def room(sqlite_store: Store) -> Newsroom:
    return Newsroom(sqlite_store)


@pytest.fixture
def any_room(store: Store) -> Newsroom:
    """The same on each kind of database."""
    return Newsroom(store)


# The operator merges.


def test_a_merge_tells_nobody_and_the_story_attracts_as_one(room: Newsroom) -> None:
    first, second = room.report(STUNT), room.report(CAST, "call-sheet")
    before, owed = room.told(), room.delivery_count()
    room.merge(1, 2, note="one night of shooting")
    third = room.report("Odile Brandtner joins the cast of ‘The Salt Meridian’ as doctor", "harbour-dispatch")
    assert room.members(1) == [first, second, third]
    assert (room.told(), room.delivery_count()) == (before, owed)


@pytest.mark.parametrize("is_restarted", [False, True], ids=["goes on", "restarted"])
def test_a_merged_story_keeps_its_old_number_alive(any_room: Newsroom, *, is_restarted: bool) -> None:
    any_room.report(STUNT, "harbour-dispatch")
    any_room.report(CAST, "reel-ledger")
    any_room.merge(1, 2)
    if is_restarted:
        any_room.restart()
    any_room.report(AGAIN, "call-sheet")
    detail = any_room.show(2)
    assert (detail.view.story.story_id, detail.merged_into) == (1, 1)
    assert any_room.show(1).merged_into is None
    assert (detail.view.story.outlet, detail.view.story.first_outlet) == ("Reel Ledger", "Harbour Dispatch")
    assert (detail.view.story.article_count, detail.view.story.outlet_count) == (3, 3)
    assert {view.match.story_id for view in detail.matches} == {1, 2}
    assert len(detail.deliveries) == any_room.delivery_count()
    with any_room.store.read() as tx:
        assert [view.story.story_id for view in latest_stories(tx, limit=9)] == [1]
        assert count_stories(tx) == 1


def test_a_chain_of_merges_leads_to_the_last(room: Newsroom) -> None:
    for title in (STUNT, CAST, FERRY):
        room.report(title)
    room.merge(2, 3)
    room.merge(1, 2)
    assert [room.show(number).view.story.story_id for number in (1, 2, 3)] == [1, 1, 1]
    assert room.members(3) == [1, 2, 3]


def test_a_development_told_of_either_story_is_not_told_again(room: Newsroom) -> None:
    room.report("‘The Salt Meridian’: Tomas Vargany joins the cast")
    room.report(FERRY, "call-sheet")
    room.merge(2, 1)
    before = room.told()
    room.report("‘The Salt Meridian’: Tomas Vargany joins the cast, says his agent", "harbour-dispatch")
    assert len(room.members(2)) == 3
    assert room.told() == before


# The operator splits.


def glued(room: Newsroom) -> tuple[ArticleId, ArticleId, ArticleId]:
    """One story that holds two events: the third article is another one."""
    first, second = room.report(STUNT), room.report(AGAIN, "call-sheet")
    third = room.report("‘The Salt Meridian’ stunt over the harbour wall goes wrong", "harbour-dispatch")
    assert room.members(1) == [first, second, third]
    return first, second, third


@pytest.mark.parametrize("is_restarted", [False, True], ids=["goes on", "restarted"])
def test_a_split_tells_of_the_hidden_event_once(any_room: Newsroom, *, is_restarted: bool) -> None:
    first, second, third = glued(any_room)
    assert any_room.told() == [(1, "story.created", first)]
    any_room.split(1, third, note="another night")
    for _ in range(3):
        if is_restarted:
            any_room.restart()
        any_room.work()
    assert (any_room.members(1), any_room.members(2)) == ([first, second], [third])
    assert any_room.told() == [(1, "story.created", first), (2, "story.created", third)]
    assert any_room.told("salt") == any_room.told()


def test_whichever_part_is_named_the_first_article_keeps_the_number(room: Newsroom) -> None:
    first, second, third = glued(room)
    made = room.split(1, first, second)
    assert made is not None
    assert (made.article_ids, made.rest_ids) == ((third,), (first, second))
    assert room.split(1, first, second) is None
    assert room.split(1, third) is None


def test_the_part_that_was_told_is_not_told_again_the_other_one_is(room: Newsroom) -> None:
    """`salt` heard first of the second article, so the first one is what was kept from nobody."""
    first = room.report("Stunt over the harbour wall in winter storm")
    second = room.report("Stunt over the harbour wall in winter storm was for ‘The Salt Meridian’", "call-sheet")
    assert room.members(1) == [first, second]
    assert (room.told(), room.told("salt")) == ([(1, "story.created", first)], [(1, "story.created", second)])
    room.split(1, second)
    room.work()
    assert room.told() == [(1, "story.created", first), (2, "story.created", second)]
    assert room.told("salt") == [(1, "story.created", second)]
    third = room.report(
        "Stunt over the harbour wall in winter storm: Salt Meridian, ‘The Salt Meridian’", "harbour-dispatch"
    )
    told = room.told("salt")
    assert len(told) == 1 + (room.story_of(third) == 1), "the first story begins anew for who never heard of it"


def test_two_splits_and_a_merge_at_once_tell_each_event_once(room: Newsroom) -> None:
    first, second, third = glued(room)
    fourth = room.report(FERRY)
    told = room.told()
    room.split(1, third)
    room.split(1, second)
    room.merge(room.story_of(fourth), room.story_of(third))
    room.restart()
    room.work()
    assert room.told() == [*told, (room.story_of(second), "story.created", second)]
    assert room.told("salt")[-2:] == [
        (room.story_of(fourth), "story.created", third),
        (room.story_of(second), "story.created", second),
    ], "`salt` had heard neither of the ferry nor of the third article"
    assert room.story_of(first) == 1


@pytest.mark.parametrize("quiet", ["backlog", "old"])
def test_a_split_is_silent_on_what_could_not_be_told(room: Newsroom, quiet: str) -> None:
    first = room.report(STUNT)
    second = room.report(AGAIN, "call-sheet", is_backlog=quiet == "backlog")
    assert room.members(1) == [first, second]
    if quiet == "old":
        room.at += timedelta(days=8)
    room.split(1, second)
    room.work()
    assert room.told() == [(1, "story.created", first)]
    room.restart()
    room.work()
    assert room.told() == [(1, "story.created", first)]


def test_later_articles_join_the_nearer_part_and_never_glue_them(room: Newsroom) -> None:
    first, third = room.report(CREW), room.report(WINCH, "call-sheet")
    room.merge(1, 2)
    room.work()
    room.split(1, third)
    room.restart()
    second = room.report(BOTH, "harbour-dispatch")
    fourth = room.report("Lifeboat trailer dawn winch", "harbour-dispatch")
    assert room.story_of(first) != room.story_of(third) == room.story_of(fourth)
    assert room.story_of(second) in (room.story_of(first), room.story_of(third))
    with room.store.read() as tx:
        kinds = tx.execute(select(corrections.c.kind).order_by(corrections.c.correction_id)).scalars().all()
    assert kinds == [CorrectionKind.MERGE, CorrectionKind.SPLIT]


def test_the_newest_word_of_the_operator_counts(any_room: Newsroom) -> None:
    first, second, third = glued(any_room)
    any_room.split(1, third)
    any_room.work()
    told = any_room.told()
    any_room.merge(1, 2)
    any_room.work()
    assert any_room.members(1) == [first, second, third]
    made = any_room.split(1, third)
    assert made is not None
    assert made.other_id == 3, "a number is never used again"
    any_room.work()
    assert any_room.told() == told, "each part was told before"
    assert any_room.show(2).merged_into == 1


def test_corrections_are_explained(room: Newsroom) -> None:
    _, _, third = glued(room)
    room.split(1, third, note="another night")
    room.merge(1, 2, note="the same night after all")
    kinds = [(view.correction.kind.value, view.correction.note) for view in room.show(2).corrections]
    assert kinds == [("split", "another night"), ("merge", "the same night after all")]
    why = {view.article.article_id: view.assignment.reasons for view in room.show(1).articles if view.assignment}
    assert why[third][-2:] == ("the operator split story 2 off story 1", "the operator merged story 2 into story 1")
    assert why[ArticleId(1)] == ("no known story is near",)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        pytest.param(lambda room: room.merge(1, 99), "no story 99", id="merge what is not there"),
        pytest.param(lambda room: room.merge(99, 1), "no story 99", id="merge into nothing"),
        pytest.param(lambda room: room.merge(1, 1), "with itself", id="merge with itself"),
        pytest.param(lambda room: room.merge(3, 2), "Story 2 was merged into story 1; name that one", id="merged away"),
        pytest.param(lambda room: room.merge(2, 3), "Story 2 was merged into story 1", id="into one merged away"),
        pytest.param(lambda room: room.split(99, 1), "no story 99", id="split what is not there"),
        pytest.param(lambda room: room.split(2, 3), "Story 2 was merged into story 1", id="split one merged away"),
        pytest.param(lambda room: room.split(1, 77), "Article 77 is not in story 1", id="unknown article"),
        pytest.param(lambda room: room.split(1, 4), "Article 4 is not in story 1", id="article of another story"),
        pytest.param(lambda room: room.split(1, 5), "Article 5 repeats article 1", id="a duplicate"),
        pytest.param(lambda room: room.split(1, 1, 2, 3), "at least one of its 3, and not all", id="all articles"),
        pytest.param(lambda room: room.split(3, 4), "at least one of its 1, and not all", id="the only article"),
    ],
)
def test_what_cannot_be_corrected_says_why(room: Newsroom, ask: Callable[[Newsroom], object], says: str) -> None:
    room.report(STUNT)
    room.report(AGAIN, "call-sheet")
    room.report(CAST)
    room.report(FERRY)
    room.report(STUNT)
    room.merge(1, 2)
    with pytest.raises(CorrectionError, match=says):
        ask(room)


def test_a_correction_that_is_made_already_changes_nothing(room: Newsroom) -> None:
    _, _, third = glued(room)
    made = [room.split(1, third), room.split(1, third), room.merge(1, 2), room.merge(1, 2), room.merge(2, 1)]
    assert [one is not None for one in made] == [True, False, True, False, False]


# The desk joins.


def test_an_article_that_fits_two_stories_joins_them_and_nobody_is_told_again(any_room: Newsroom) -> None:
    first, second = any_room.report(CREW), any_room.report(WINCH, "call-sheet")
    assert any_room.told() == [(1, "story.created", first), (2, "story.created", second)]
    before = any_room.told(), any_room.delivery_count()
    third = any_room.report(BOTH, "harbour-dispatch")
    assert any_room.members(1) == [first, second, third]
    assert any_room.show(2).merged_into == 1
    assert (any_room.told(), any_room.delivery_count()) == before
    [view] = any_room.show(2).corrections
    assert (view.correction.kind, view.correction.story_id, view.correction.other_id) == (CorrectionKind.JOIN, 1, 2)
    assert view.correction.score > 0.8
    assert view.correction.reasons[0].startswith(f"article {third} fits both")
    assert (view.correction.article_ids, view.correction.rest_ids) == ((second,), (first, third))


def test_the_operator_can_part_what_the_desk_joined_for_good(room: Newsroom) -> None:
    _, second = room.report(CREW), room.report(WINCH, "call-sheet")
    room.report(BOTH, "harbour-dispatch")
    before = room.told()
    room.split(1, second)
    room.work()
    assert room.told() == before, "both were told before"
    room.report(f"{BOTH} again", "reel-ledger")
    room.restart()
    room.report(f"{BOTH} once more", "call-sheet")
    assert room.story_of(second) == 3
    assert len({room.story_of(number) for number in (1, 2)}) == 2


@pytest.mark.parametrize("is_restarted", [False, True], ids=["goes on", "restarted"])
def test_what_the_desk_joins_is_judged_by_the_words_on_both(any_room: Newsroom, *, is_restarted: bool) -> None:
    any_room.report(CREW)
    any_room.report(WINCH, "call-sheet")
    any_room.say(2, Word(kind=FeedbackKind.RIGHT_FILM, ref=SALT.film_id), Word(kind=FeedbackKind.NEWS))
    any_room.work()
    told = any_room.told("salt")
    assert [(story_id, event) for story_id, event, _ in told] == [(2, "story.created")]
    if is_restarted:
        any_room.restart()
    any_room.report(BOTH, "harbour-dispatch")
    detail = any_room.show(2)
    assert (detail.merged_into, len(detail.articles)) == (1, 3)
    assert {word.kind for word in detail.view.story.feedback} == {FeedbackKind.RIGHT_FILM, FeedbackKind.NEWS}
    for tags in (detail.view.story.tags, *(view.tagging.tags for view in detail.articles)):
        assert SALT.film_id in {tag.ref for tag in tags}
    any_room.say(1, Word(kind=FeedbackKind.WRONG_FILM, ref=SALT.film_id))
    any_room.report(f"‘The Salt Meridian’ {BOTH} again", "reel-ledger")
    detail = any_room.show(1)
    assert len(detail.articles) == 4
    assert SALT.film_id not in {tag.ref for tag in detail.view.story.tags}
    assert any_room.told("salt") == told


# Nothing is lost or told twice, whatever happens between.


class MeddlingStore(CrashingStore):
    """A store into which somebody else writes just before the desk does."""

    def __init__(self, kept: Store, meddle: Callable[[], object]) -> None:
        super().__init__(kept)
        self._meddle: Callable[[], object] | None = meddle

    @contextmanager
    def write(self) -> Iterator[Session]:
        meddle, self._meddle = self._meddle, None
        if meddle:
            meddle()
        with super().write() as tx:
            yield tx


def test_a_correction_in_the_middle_of_a_batch_is_kept(room: Newsroom) -> None:
    first, second = room.report(STUNT), room.report(CAST, "call-sheet")
    room.file("Odile Brandtner joins the cast of ‘The Salt Meridian’ as the doctor", "harbour-dispatch")
    room.desk = room.make_desk(MeddlingStore(room.store, lambda: room.merge(1, 2)))
    room.work()
    assert room.members(1) == [first, second, 3]
    assert room.show(2).merged_into == 1
    assert len(room.told()) == 2


def test_a_new_number_of_the_operator_is_not_taken_by_the_running_desk(room: Newsroom) -> None:
    _, _, third = glued(room)
    room.split(1, third)
    fourth = room.report(FERRY)
    assert (room.story_of(third), room.story_of(fourth)) == (2, 3)


@pytest.mark.parametrize("after_commit", [False, True], ids=["before the commit", "after the commit"])
def test_dying_while_a_split_is_told_tells_it_once(room: Newsroom, *, after_commit: bool) -> None:
    _, _, third = glued(room)
    room.split(1, third)
    deaths = 0
    for dies_at in range(1, 5):
        room.desk = room.make_desk(CrashingStore(room.store, dies_at, after_commit=after_commit))
        try:
            room.work()
        except Crash:
            deaths += 1
    assert deaths
    room.restart()
    room.work()
    assert room.told()[1:] == [(2, "story.created", third)]
    assert room.delivery_count() == 6, "three endpoints, told of two events"


TITLES = (STUNT, AGAIN, CAST, FERRY, CREW, WINCH, BOTH, f"{BOTH} again", "‘The Salt Meridian’ stunt goes wrong")
WORDS = (
    Word(kind=FeedbackKind.WRONG_FILM, ref=SALT.film_id),
    Word(kind=FeedbackKind.RIGHT_FILM, ref=SALT.film_id),
    Word(kind=FeedbackKind.RIGHT_TOPIC, ref=CASTING.slug),
    Word(kind=FeedbackKind.WRONG_TOPIC, ref=CASTING.slug),
)
COLOURS = ("Amber", "Cobalt", "Indigo")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("report"), st.integers(0, len(TITLES) - 1), st.integers(0, 2)),
        st.tuples(st.just("merge"), st.integers(1, 9), st.integers(1, 9)),
        st.tuples(st.just("split"), st.integers(1, 9), st.integers(1, 7)),
        st.tuples(st.just("reveal"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("say"), st.integers(0, 9), st.integers(0, 3)),
        st.tuples(st.just("wait"), st.integers(1, 60), st.just(0)),
    ),
    min_size=6,
    max_size=16,
)


def take(room: Newsroom, step: tuple[str, int, int]) -> None:
    match step:
        case ("report", place, outlet):
            room.file(TITLES[place], list(TIERS)[outlet])
        case ("merge", one, other):
            room.merge(room.pick(one), room.pick(other))
        case ("split", number, mask):
            story_id = room.pick(number, article_count=2)
            members = room.members(story_id)
            room.split(story_id, *[number for place, number in enumerate(members) if mask >> (place % 3) & 1])
        case ("reveal", place, _):
            for title, slug in zip((CREW, WINCH, BOTH), TIERS, strict=True):
                room.file(f"{COLOURS[place]} {title}", slug)
        case ("say", number, kind):
            room.say(room.pick(number), WORDS[kind])
        case ("wait", hours, _):
            room.at += timedelta(hours=hours)


def live(store: Store, steps: list[tuple[str, int, int]], *, restarts: bool) -> Newsroom:
    room = Newsroom(store)
    for step in steps:
        try:
            take(room, step)
        except CorrectionError:
            continue
        if restarts:
            room.restart()
        room.work()
    return room


def picture(room: Newsroom) -> list[object]:
    """What the desk decided: articles, stories, matches and corrections."""
    wanted = (
        select(articles.c.article_id, articles.c.story_id, articles.c.strand_id, articles.c.duplicate_of),
        select(stories).order_by(stories.c.story_id),
        select(matches),
        select(corrections),
        select(articles.c.article_id, articles.c.is_production_news, articles.c.tags, articles.c.facts),
        select(feedback).order_by(feedback.c.feedback_id),
        select(story_tags.c.story_id, story_tags.c.kind, story_tags.c.ref).order_by(*story_tags.primary_key),
        select(story_facts).order_by(*story_facts.primary_key),
    )
    with room.store.read() as tx:
        return [[tuple(row) for row in tx.execute(query)] for query in wanted]


def check_told(room: Newsroom) -> None:
    """No key twice; an article alerts a subscription once; the articles of a story never were told twice as created,
    unless stories were put together that were told apart.
    """
    with room.store.read() as tx:
        rows = tx.execute(select(matches)).mappings().all()
        owed = tx.execute(select(deliveries.c.match_id, deliveries.c.endpoint_id)).all()
        joined = tx.execute(select(corrections.c.correction_id)).scalars().all()
    keys = [(row["subscription_id"], row["story_id"], row["event"], row["development"]) for row in rows]
    told_by = [(row["subscription_id"], row["article_id"]) for row in rows if row["event"] is EventType.STORY_CREATED]
    assert len(keys) == len(set(keys))
    assert len(told_by) == len(set(told_by))
    assert len(owed) == len(set(owed))
    if not joined:
        created = [key[:2] for key in keys if key[2] is EventType.STORY_CREATED]
        assert len(created) == len(set(created))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_restarted_desk_decides_as_the_one_that_went_on(
    sqlite_template: Path, tmp_path: Path, steps: list[tuple[str, int, int]]
) -> None:
    pictures = []
    for restarts in (False, True):
        path = tmp_path / f"{secrets.token_hex(8)}.db"
        shutil.copy(sqlite_template, path)
        store = open_store(f"sqlite:///{path}")
        room = live(store, steps, restarts=restarts)
        check_told(room)
        pictures.append(picture(room))
        store.close()
        path.unlink()
    assert pictures[0] == pictures[1]


# Housekeeping.


def test_an_old_number_lives_as_long_as_its_story(any_room: Newsroom) -> None:
    any_room.report(STUNT)
    any_room.report(CAST, "call-sheet")
    any_room.merge(1, 2)
    year = timedelta(days=365)
    keep = Retention(articles=year, deliveries=MINUTE)
    with any_room.store.write() as tx:
        tx.execute(deliveries.update().values(finished_at=any_room.at))
        tx.execute(stories.update().where(stories.c.story_id == 1).values(updated_at=any_room.at + year))
        for _ in range(3):
            purge(tx, now=any_room.at + year + MINUTE * 2, retention=keep, limit=100)
    assert any_room.members(2) == [1, 2]
    with any_room.store.write() as tx:
        gone = [purge(tx, now=any_room.at + 3 * year, retention=keep, limit=100) for _ in range(3)]
    assert [sum(counts[name] for counts in gone) for name in ("stories", "matches", "corrections")] == [2, 4, 1]
