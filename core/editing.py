"""The desk's judgement: from one entry to an Edit. Holds the working memory of the last days; stores nothing.

The decisions depend only on the order of the entries and on what was remembered, so a desk rebuilt from the store
after a crash goes on as the one that died would have.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from core.composing import extend_story, find_developments, open_story, unite_stories
from core.facts.telling import FACT, topics_of
from core.feedback import correct_tagging
from core.matching import SubscriptionIndex
from core.urls import canonical_url
from core.values import (
    Article,
    ArticleId,
    Assignment,
    Correction,
    CorrectionKind,
    Duplicate,
    Edit,
    Entry,
    EventType,
    Match,
    PublisherSlug,
    Story,
    StoryId,
    Subscription,
    SubscriptionId,
    Tagging,
)

_CLOCK_SLACK = timedelta(hours=1)


class DuplicateFinder(Protocol):
    def find(self, article: Article) -> Duplicate | None: ...
    def add(self, article: Article, *, duplicate_of: ArticleId | None = None) -> None: ...
    def forget(self, before: datetime) -> None: ...


class StoryAssigner(Protocol):
    def assign(self, article: Article, tagging: Tagging) -> Assignment: ...
    def add(self, article: Article, tagging: Tagging, story_id: StoryId) -> None: ...
    def regroup(self, story_ids: Mapping[ArticleId, StoryId]) -> None: ...
    def forget(self, before: datetime) -> None: ...


class TextTagger(Protocol):
    def tag(self, article: Article) -> Tagging: ...


Told = dict[SubscriptionId, set[str]]
# A split has two sides, N and -N: stories that hold articles of opposite sides are never joined by the desk.
Sides = frozenset[int]
# Stands before the mark of an alert that was told under the story's number by an article that has been split off.
GONE = "gone:"


@dataclass(slots=True)
class _StoryMemory:
    """A story of the window with what the next article of it is judged by."""

    story: Story
    lead_weight: int
    outlets: set[PublisherSlug]
    last_event_at: datetime
    told: Told = field(default_factory=dict)
    sides: Sides = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """An article the store already holds, as the desk decided on it. `story_id` is None for a duplicate.

    `strand_id` is the part of the story it is near to; None where that is the story itself.
    """

    article: Article
    tagging: Tagging
    story_id: StoryId | None
    strand_id: StoryId | None = None
    duplicate_of: ArticleId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """What the store holds on some stories: their articles in the order the desk took them, and what was told."""

    articles: Sequence[Remembered]
    stories: Mapping[StoryId, Story]
    told: Mapping[StoryId, Told]
    sides: Mapping[StoryId, Sides] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How far back the desk looks: for the same event, for the same text, and for what is still worth an alert."""

    story: timedelta = timedelta(days=5)
    duplicate: timedelta = timedelta(days=30)
    alert: timedelta = timedelta(days=7)


class Editor:
    """Decides what an entry is: a known text, a report on a known story, or a new story; and who is to be told."""

    def __init__(
        self,
        *,
        tagger: TextTagger,
        duplicates: DuplicateFinder,
        stories: StoryAssigner,
        subscriptions: Iterable[Subscription],
        windows: Windows,
        next_article_id: ArticleId = ArticleId(1),  # noqa: B008 NewType of an immutable
        next_story_id: StoryId = StoryId(1),  # noqa: B008
    ) -> None:
        self._tagger = tagger
        self._duplicates = duplicates
        self._stories = stories
        self._subscriptions = SubscriptionIndex(subscriptions)
        self._windows = windows
        self._next_article_id = next_article_id
        self._next_story_id = next_story_id
        self._memory: dict[StoryId, _StoryMemory] = {}
        self._kept_ids: dict[StoryId, StoryId] = {}
        self._roots: dict[ArticleId, ArticleId] = {}
        self._ids_by_url: dict[str, ArticleId | None] = {}
        self._story_ids: dict[ArticleId, StoryId] = {}
        self._seen_by_hour: dict[datetime, list[tuple[ArticleId, str]]] = defaultdict(list)
        self._watermark: datetime | None = None

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        """Replace the standing subscriptions; stories already told are not told again."""
        self._subscriptions.replace(subscriptions)

    def retag(self, tagger: TextTagger) -> None:
        """Replace the tagger; what was tagged keeps its tags."""
        self._tagger = tagger

    def remember(self, kept: Recollection) -> None:
        """Rebuild the working memory.

        Two windows of reports are lived through again, not only the last: what a word of an article weighs depends
        on the window before it.
        """
        newest = max((k.article.event_at for k in kept.articles), default=None)
        for k in kept.articles:
            self._advance(k.article)
            self._learn_text(k.article, k.duplicate_of)
            if newest is None or k.story_id is None or k.story_id not in kept.stories:
                continue
            self._story_ids[k.article.article_id] = k.story_id
            is_recent = k.article.event_at > newest - 2 * self._windows.story - timedelta(hours=1)
            if is_recent and self._is_in(self._windows.story, k.article):
                self._stories.add(k.article, k.tagging, k.strand_id or k.story_id)
        self._recall(kept)
        self._forget()

    def correct(self, kept: Recollection, *, gone: Collection[StoryId], next_story_id: StoryId) -> None:
        """Take over stories that were merged or split elsewhere; `gone` are those that were merged away.

        The desk is then as one that was rebuilt.
        """
        for story_id in (*gone, *kept.stories):
            self._memory.pop(story_id, None)
        strands = {k.article.article_id: k.strand_id or k.story_id for k in kept.articles if k.story_id is not None}
        self._stories.regroup({article_id: strand_id for article_id, strand_id in strands.items() if strand_id})
        for k in kept.articles:
            if k.story_id is not None and k.article.article_id in self._story_ids:
                self._story_ids[k.article.article_id] = k.story_id
        self._recall(kept)
        self._forget_stories()
        self._next_story_id = max(self._next_story_id, next_story_id)

    def announce(
        self,
        story: Story,
        told: Told,
        articles: Iterable[Article],
        *,
        heard: Mapping[SubscriptionId, ArticleId],
        now: datetime,
    ) -> list[tuple[Article, Match]]:
        """Match a part of a split story for those who heard of the other part only, by its first fresh article.

        `heard` says by which article a subscription first heard of the other part: what came after that was kept
        from it. `told` is what was told of this part.
        """
        memory = self._memory.get(story.story_id)
        if memory is None:
            memory = _StoryMemory(story=story, lead_weight=0, outlets=set(), last_event_at=now, told=told)
        fresh = [article for article in articles if not article.is_backlog and self._is_fresh(article, now)]
        return [(a, match) for a in fresh for match in self._match(memory, a, developments=(), heard=heard)]

    def know_urls(self, known: Mapping[str, ArticleId | None]) -> None:
        """Learn canonical URLs older than the window, so that an old text that surfaces again is no news.

        The id is None for an article that was purged.
        """
        for url, article_id in known.items():
            self._ids_by_url.setdefault(url, article_id)

    def edit(self, entry: Entry) -> Edit:
        article = self._read(entry)
        tagging = self._tagger.tag(article)
        if article.canonical_url in self._ids_by_url:
            return self._edit_known(entry, article, tagging)
        self._next_article_id = ArticleId(self._next_article_id + 1)
        self._advance(article)
        if (found := self._duplicates.find(article)) is not None:
            return self._edit_duplicate(entry, article, tagging, found)
        return self._edit_report(entry, article, tagging)

    def match_again(self, story: Story, told: Told, article: Article) -> list[Match]:
        """Match a story whose tags were corrected by one of its articles, for those who were not told of it.

        `told` is what was told of it, for a story that is no longer remembered.
        """
        memory = self._memory.get(story.story_id)
        if memory is None:
            memory = _StoryMemory(story=story, lead_weight=0, outlets=set(), last_event_at=article.event_at, told=told)
        return list(self._match(memory, article, developments=()))

    def story_of(self, article_id: ArticleId) -> StoryId | None:
        """Return the story an article of the window is in, a duplicate's by its original."""
        story_id = self._story_ids.get(self._root(article_id))
        return None if story_id is None else self._kept_id(story_id)

    def _read(self, entry: Entry) -> Article:
        item = entry.item
        seen_at = entry.first_seen_at
        return Article(
            article_id=self._next_article_id,
            canonical_url=_identity(entry),
            url=item.url,
            publisher=entry.publisher,
            title=item.title,
            summary=item.summary,
            author=item.author,
            categories=item.categories,
            text=item.text,
            image_url=item.image_url,
            language=item.language,
            published_at=item.published_at,
            first_seen_at=seen_at,
            event_at=min(item.published_at or seen_at, seen_at),
            is_backlog=entry.is_backlog,
            is_paywalled=entry.is_paywalled,
        )

    def _edit_known(self, entry: Entry, article: Article, tagging: Tagging) -> Edit:
        article_id = self._ids_by_url[article.canonical_url]
        reason = "same address" if article_id is not None else "same address as an article purged long ago"
        duplicate = article_id and Duplicate(article_id=self._root(article_id), score=1.0, reason=reason)
        return Edit(
            entry_id=entry.entry_id,
            article=None,
            duplicate=duplicate or None,
            tagging=tagging,
            quiet_reason=f"duplicate: {reason}",
        )

    def _edit_duplicate(self, entry: Entry, article: Article, tagging: Tagging, found: Duplicate) -> Edit:
        root = replace(found, article_id=self._root(found.article_id))
        self._learn_text(article, root.article_id)
        return Edit(
            entry_id=entry.entry_id,
            article=article,
            duplicate=root,
            tagging=tagging,
            quiet_reason=f"duplicate: {root.reason}",
        )

    def _edit_report(self, entry: Entry, article: Article, tagging: Tagging) -> Edit:
        assignment = self._assign(article, tagging)
        corrections = tuple(self._join_stories(assignment, article))
        developments: tuple[str, ...] = ()
        strand_id = assignment.story_id
        if strand_id is None:
            memory = self._open_story(article, tagging)
            strand_id = memory.story.story_id
        else:
            memory = self._memory[self._kept_id(strand_id)]
            tagging = correct_tagging(tagging, memory.story.feedback)
            developments = find_developments(memory.story, tagging)
            _extend(memory, article, tagging)
        self._learn_text(article, None)
        self._learn_report(article, tagging, memory, strand_id)
        quiet_reason = entry.backlog_reason or self._quiet_reason(article)
        return Edit(
            entry_id=entry.entry_id,
            article=article,
            tagging=tagging,
            assignment=assignment,
            story=memory.story,
            strand_id=strand_id,
            corrections=corrections,
            quiet_reason=quiet_reason,
            matches=() if quiet_reason else tuple(self._match(memory, article, developments=developments)),
        )

    def _assign(self, article: Article, tagging: Tagging) -> Assignment:
        """Choose by the index, which knows the strands of a story and not that they are one."""
        if not self._is_in(self._windows.story, article):
            return Assignment(story_id=None, score=0.0, reasons=("older than the story window",))
        assignment = self._stories.assign(article, tagging)
        if assignment.story_id is not None and self._kept_id(assignment.story_id) in self._memory:
            return assignment
        return replace(assignment, story_id=None, also=())

    def _join_stories(self, assignment: Assignment, article: Article) -> Iterator[Correction]:
        """Put the stories together that the article fits equally well, the older keeps its number.

        What the operator split stays apart.
        """
        for other in assignment.also:
            ids = {self._kept_id(story_id) for story_id in (assignment.story_id, other.story_id) if story_id}
            if len(ids) == 2 and ids <= self._memory.keys():
                kept_id, gone_id = sorted(ids)
                if not _are_apart(self._memory[kept_id].sides, self._memory[gone_id].sides):
                    self._unite(kept_id, gone_id)
                    reason = f"article {article.article_id} fits both: {assignment.score:.0%} and {other.score:.0%}"
                    yield Correction(
                        kind=CorrectionKind.JOIN,
                        story_id=kept_id,
                        other_id=gone_id,
                        score=min(assignment.score, other.score),
                        reasons=(reason, *other.reasons),
                    )

    def _unite(self, kept_id: StoryId, gone_id: StoryId) -> None:
        kept, gone = self._memory[kept_id], self._memory.pop(gone_id)
        outlets = kept.outlets | gone.outlets
        counts = (kept.story.outlet_count, gone.story.outlet_count, len(outlets))
        kept_lead, gone_lead = ((m.lead_weight, -m.story.lead_article_id) for m in (kept, gone))
        story = unite_stories(kept.story, gone.story, outlet_count=max(counts), other_leads=gone_lead > kept_lead)
        told = {name: set(marks) for name, marks in kept.told.items()}
        for name, marks in gone.told.items():
            told.setdefault(name, set()).update(words for words in marks if not words.startswith(GONE))
        self._memory[kept_id] = _StoryMemory(
            story=story,
            lead_weight=max(kept.lead_weight, gone.lead_weight),
            outlets=outlets,
            last_event_at=max(kept.last_event_at, gone.last_event_at),
            told=told,
            sides=kept.sides | gone.sides,
        )
        strands = [strand for strand, owner in self._kept_ids.items() if owner == gone_id]
        self._kept_ids.update(dict.fromkeys([*strands, gone_id], kept_id))

    def _kept_id(self, story_id: StoryId) -> StoryId:
        return self._kept_ids.get(story_id, story_id)

    def _learn_report(self, article: Article, tagging: Tagging, memory: _StoryMemory, strand_id: StoryId) -> None:
        story_id = memory.story.story_id
        self._story_ids[article.article_id] = story_id
        if self._is_in(self._windows.story, article):
            self._memory[story_id] = memory
            self._stories.add(article, tagging, strand_id)

    def _is_in(self, window: timedelta, article: Article) -> bool:
        return article.event_at >= self._horizon(window)

    def _open_story(self, article: Article, tagging: Tagging) -> _StoryMemory:
        story = open_story(self._next_story_id, article, tagging)
        self._next_story_id = StoryId(self._next_story_id + 1)
        return _StoryMemory(
            story=story,
            lead_weight=article.publisher.tier.weight,
            outlets={article.publisher.slug},
            last_event_at=article.event_at,
        )

    def _quiet_reason(self, article: Article) -> str:
        if article.is_backlog:
            return "backlog: imported at first contact with its source"
        if not self._is_fresh(article, article.first_seen_at):
            age = article.first_seen_at - article.event_at
            return f"old: published {age.days} days before it was first seen"
        return ""

    def _is_fresh(self, article: Article, now: datetime) -> bool:
        return now - article.event_at <= self._windows.alert

    def _match(
        self,
        memory: _StoryMemory,
        article: Article,
        *,
        developments: tuple[str, ...],
        heard: Mapping[SubscriptionId, ArticleId] | None = None,
    ) -> Iterable[Match]:
        for subscription, reasons in self._subscriptions.match(memory.story, article):
            if heard is not None and heard.get(subscription.subscription_id, article.article_id) >= article.article_id:
                continue
            told = memory.told.setdefault(subscription.subscription_id, set())
            for event, development in _news_for(subscription, told, developments, article):
                told.add(mark(event, development))
                yield Match(
                    subscription_id=subscription.subscription_id,
                    story_id=memory.story.story_id,
                    event=event,
                    development=development,
                    article_id=article.article_id,
                    reasons=reasons,
                )

    def _learn_text(self, article: Article, duplicate_of: ArticleId | None) -> None:
        self._ids_by_url[article.canonical_url] = article.article_id
        self._seen_by_hour[_hour(article.first_seen_at)].append((article.article_id, article.canonical_url))
        if self._is_in(self._windows.duplicate, article):
            self._duplicates.add(article, duplicate_of=duplicate_of)
        if duplicate_of is not None:
            self._roots[article.article_id] = duplicate_of

    def _recall(self, kept: Recollection) -> None:
        """Remember stories by their articles, all of which are given as far as the window reaches."""
        for k in kept.articles:
            if k.story_id is not None and k.story_id in kept.stories:
                self._recall_article(k, k.story_id, kept)

    def _recall_article(self, known: Remembered, story_id: StoryId, kept: Recollection) -> None:
        article, story = known.article, kept.stories[story_id]
        memory = self._memory.get(story_id)
        if memory is None:
            told = {name: set(marks) for name, marks in kept.told.get(story_id, {}).items()}
            memory = _StoryMemory(story=story, lead_weight=0, outlets=set(), last_event_at=article.event_at, told=told)
            memory.sides = kept.sides.get(story_id, frozenset())
            self._memory[story_id] = memory
        memory.outlets.add(article.publisher.slug)
        memory.last_event_at = max(memory.last_event_at, article.event_at)
        if article.article_id == story.lead_article_id:
            memory.lead_weight = article.publisher.tier.weight
        if known.strand_id is not None and known.strand_id != story_id:
            self._kept_ids[known.strand_id] = story_id

    def _root(self, article_id: ArticleId) -> ArticleId:
        return self._roots.get(article_id, article_id)

    def _horizon(self, window: timedelta) -> datetime:
        """Return how far back `window` reaches from the newest event, in whole hours so that sweeps are rare."""
        return _hour(self._watermark) - window if self._watermark else datetime.min.replace(tzinfo=UTC)

    def _advance(self, article: Article) -> None:
        before = self._horizon(self._windows.story)
        self._watermark = _later(self._watermark, article)
        if self._horizon(self._windows.story) > before:
            self._forget()

    def _forget(self) -> None:
        horizon = self._horizon(self._windows.story)
        self._stories.forget(horizon)
        self._duplicates.forget(self._horizon(self._windows.duplicate))
        self._forget_stories()
        for hour in [h for h in self._seen_by_hour if h < self._horizon(self._windows.duplicate)]:
            for article_id, url in self._seen_by_hour.pop(hour):
                self._roots.pop(article_id, None)
                self._story_ids.pop(article_id, None)
                self._ids_by_url.pop(url, None)

    def _forget_stories(self) -> None:
        horizon = self._horizon(self._windows.story)
        for story_id in [key for key, memory in self._memory.items() if memory.last_event_at < horizon]:
            del self._memory[story_id]
        for strand_id in [key for key, story_id in self._kept_ids.items() if story_id not in self._memory]:
            del self._kept_ids[strand_id]


def _later(watermark: datetime | None, article: Article) -> datetime:
    """Return the newest event so far. A clock that was ahead and went back leaves no mark in the future."""
    if watermark is None or watermark > article.first_seen_at + _CLOCK_SLACK:
        return article.event_at
    return max(watermark, article.event_at)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _identity(entry: Entry) -> str:
    """Return the address two copies of one text share; the entry's own name where its link is no page of its own."""
    try:
        url = canonical_url(entry.item.url)
    except ValueError:
        return _name_of(entry)
    parts = urlsplit(url)
    return url if parts.path.strip("/") or parts.query else _name_of(entry)


def _name_of(entry: Entry) -> str:
    return f"urn:setwire:{entry.source_id}:{entry.item.guid}"


def _news_for(
    subscription: Subscription, told: set[str], developments: tuple[str, ...], article: Article
) -> Iterator[tuple[EventType, str]]:
    """Yield what this subscription has not been told of the story: that it exists, else each new development.

    One that asks for topics is told of developments on these alone. New facts are told with a new topic, by
    themselves only if there is none: an article causes no alert for what another of its alerts says. A story whose
    number was told by an article that has been split off since begins anew.
    """
    created, updated = EventType.STORY_CREATED, EventType.STORY_UPDATED
    if created in subscription.events and all(known.startswith(GONE) for known in told):
        yield created, f"article:{article.article_id}" if told else ""
        return
    if updated in subscription.events:
        news = [d for d in developments if _is_asked(subscription, d) and not _is_told(mark(updated, d), told)]
        topics = [d for d in news if not d.startswith(FACT)]
        yield from ((updated, development) for development in topics or news)


def _is_asked(subscription: Subscription, development: str) -> bool:
    return not subscription.topics or not topics_of(development).isdisjoint(subscription.topics)


def _is_told(words: str, told: set[str]) -> bool:
    return words in told or GONE + words in told


def mark(event: EventType, development: str) -> str:
    """Return how the memory of what was told names one alert: `story.updated:topic:trailer`."""
    return f"{event}:{development}" if development else event.value


def _are_apart(one: Sides, other: Sides) -> bool:
    return any(-side in other for side in one)


def _extend(memory: _StoryMemory, article: Article, tagging: Tagging) -> None:
    memory.outlets.add(article.publisher.slug)
    memory.last_event_at = max(memory.last_event_at, article.event_at)
    weight = article.publisher.tier.weight
    memory.story = extend_story(
        memory.story, article, tagging, outlet_count=len(memory.outlets), leads=weight > memory.lead_weight
    )
    memory.lead_weight = max(memory.lead_weight, weight)
