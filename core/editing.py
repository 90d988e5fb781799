"""The desk's judgement: from one entry to an Edit. Holds the working memory of the last days; stores nothing.

The decisions depend only on the order of the entries and on what was remembered, so a desk rebuilt from the store
after a crash goes on as the one that died would have.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from core.facts.telling import FACT, merge_facts, name_development, topics_of
from core.feedback import correct_tagging
from core.matching import SubscriptionIndex
from core.urls import canonical_url
from core.values import (
    Article,
    ArticleId,
    Assignment,
    Duplicate,
    Edit,
    Entry,
    EventType,
    Match,
    PublisherSlug,
    Salience,
    Story,
    StoryId,
    Subscription,
    SubscriptionId,
    Tag,
    Tagging,
)

_DEVELOPMENT_SCORE = 0.5
_CLOCK_SLACK = timedelta(hours=1)


class DuplicateFinder(Protocol):
    def find(self, article: Article) -> Duplicate | None: ...
    def add(self, article: Article, *, duplicate_of: ArticleId | None = None) -> None: ...
    def forget(self, before: datetime) -> None: ...


class StoryAssigner(Protocol):
    def assign(self, article: Article, tagging: Tagging) -> Assignment: ...
    def add(self, article: Article, tagging: Tagging, story_id: StoryId) -> None: ...
    def forget(self, before: datetime) -> None: ...


class TextTagger(Protocol):
    def tag(self, article: Article) -> Tagging: ...


Told = dict[SubscriptionId, set[str]]


@dataclass(slots=True)
class _StoryMemory:
    """A story of the window with what the next article of it is judged by."""

    story: Story
    lead_weight: int
    outlets: set[PublisherSlug]
    last_event_at: datetime
    told: Told = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """An article the store already holds, as the desk decided on it. `story_id` is None for a duplicate."""

    article: Article
    tagging: Tagging
    story_id: StoryId | None
    duplicate_of: ArticleId | None = None


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
        self._roots: dict[ArticleId, ArticleId] = {}
        self._ids_by_url: dict[str, ArticleId | None] = {}
        self._story_ids: dict[ArticleId, StoryId] = {}
        self._seen_by_hour: dict[datetime, list[tuple[ArticleId, str]]] = defaultdict(list)
        self._watermark: datetime | None = None

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        """Replace the standing subscriptions; stories already told are not told again."""
        self._subscriptions = SubscriptionIndex(subscriptions)

    def remember(
        self, articles: Iterable[Remembered], stories: Mapping[StoryId, Story], told: Mapping[StoryId, Told]
    ) -> None:
        """Rebuild the working memory from `articles` in the order the desk first took them.

        Two windows of reports are lived through again, not only the last: what a word of an article weighs depends
        on the window before it.
        """
        known = list(articles)
        newest = max((k.article.event_at for k in known), default=None)
        for k in known:
            self._advance(k.article)
            self._learn_text(k.article, k.duplicate_of)
            if newest is None or k.story_id is None or k.story_id not in stories:
                continue
            self._recall(k.article, stories[k.story_id])
            is_recent = k.article.event_at > newest - 2 * self._windows.story - timedelta(hours=1)
            if is_recent and self._is_in(self._windows.story, k.article):
                self._stories.add(k.article, k.tagging, k.story_id)
        for story_id, subscribers in told.items():
            if story_id in self._memory:
                self._memory[story_id].told = {key: set(marks) for key, marks in subscribers.items()}
        self._forget()

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
        return list(self._match(memory, article, ()))

    def story_of(self, article_id: ArticleId) -> StoryId | None:
        """Return the story an article of the window is in, a duplicate's by its original."""
        return self._story_ids.get(self._root(article_id))

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
        developments: tuple[str, ...] = ()
        if assignment.story_id is None:
            memory = self._open_story(article, tagging)
        else:
            memory = self._memory[assignment.story_id]
            tagging = correct_tagging(tagging, memory.story.feedback)
            developments = find_developments(memory.story, tagging)
            _join(memory, article, tagging)
        self._learn_text(article, None)
        self._learn_report(article, tagging, memory)
        quiet_reason = entry.backlog_reason or self._quiet_reason(article)
        return Edit(
            entry_id=entry.entry_id,
            article=article,
            tagging=tagging,
            assignment=assignment,
            story=memory.story,
            quiet_reason=quiet_reason,
            matches=() if quiet_reason else tuple(self._match(memory, article, developments)),
        )

    def _assign(self, article: Article, tagging: Tagging) -> Assignment:
        if not self._is_in(self._windows.story, article):
            return Assignment(story_id=None, score=0.0, reasons=("older than the story window",))
        assignment = self._stories.assign(article, tagging)
        if assignment.story_id in self._memory:
            return assignment
        return replace(assignment, story_id=None)

    def _learn_report(self, article: Article, tagging: Tagging, memory: _StoryMemory) -> None:
        story_id = memory.story.story_id
        self._story_ids[article.article_id] = story_id
        if self._is_in(self._windows.story, article):
            self._memory[story_id] = memory
            self._stories.add(article, tagging, story_id)

    def _is_in(self, window: timedelta, article: Article) -> bool:
        return article.event_at >= self._horizon(window)

    def _open_story(self, article: Article, tagging: Tagging) -> _StoryMemory:
        story = Story(
            story_id=self._next_story_id,
            title=article.title,
            url=article.url,
            outlet=article.publisher.name,
            summary=article.summary,
            image_url=article.image_url,
            first_article_id=article.article_id,
            lead_article_id=article.article_id,
            created_at=article.first_seen_at,
            updated_at=article.first_seen_at,
            is_production_news=tagging.is_production_news,
            is_backlog=article.is_backlog,
            tags=tagging.tags,
            facts=tagging.facts,
        )
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
        age = article.first_seen_at - article.event_at
        if age > self._windows.alert:
            return f"old: published {age.days} days before it was first seen"
        return ""

    def _match(self, memory: _StoryMemory, article: Article, developments: tuple[str, ...]) -> Iterable[Match]:
        for subscription, reasons in self._subscriptions.match(memory.story, article):
            told = memory.told.setdefault(subscription.subscription_id, set())
            for event, development in _news_for(subscription, told, developments):
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

    def _recall(self, article: Article, story: Story) -> None:
        self._story_ids[article.article_id] = story.story_id
        memory = self._memory.get(story.story_id)
        if memory is None:
            memory = _StoryMemory(story=story, lead_weight=0, outlets=set(), last_event_at=article.event_at)
            self._memory[story.story_id] = memory
        memory.outlets.add(article.publisher.slug)
        memory.last_event_at = max(memory.last_event_at, article.event_at)
        if article.article_id == story.lead_article_id:
            memory.lead_weight = article.publisher.tier.weight

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
        for story_id in [key for key, memory in self._memory.items() if memory.last_event_at < horizon]:
            del self._memory[story_id]
        for hour in [h for h in self._seen_by_hour if h < self._horizon(self._windows.duplicate)]:
            for article_id, url in self._seen_by_hour.pop(hour):
                self._roots.pop(article_id, None)
                self._story_ids.pop(article_id, None)
                self._ids_by_url.pop(url, None)


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


def find_developments(story: Story, tagging: Tagging) -> tuple[str, ...]:
    """Return what `tagging` brings that the story did not have: well supported topics of production news, and facts."""
    if not tagging.is_production_news:
        return ()
    had = {tag.ref for tag in story.tags}
    topics = (
        f"topic:{tag.ref}"
        for tag in tagging.topics
        if tag.ref not in had and tag.score >= _DEVELOPMENT_SCORE and tag.salience is Salience.ABOUT
    )
    facts = name_development(story, tagging.facts)
    return (*topics, facts) if facts else tuple(topics)


def _news_for(
    subscription: Subscription, told: set[str], developments: tuple[str, ...]
) -> Iterator[tuple[EventType, str]]:
    """Yield what this subscription has not been told of the story: that it exists, else each new development.

    One that asks for topics is told of developments on these alone. New facts are told with a new topic, by
    themselves only if there is none: an article causes no alert for what another of its alerts says.
    """
    created, updated = EventType.STORY_CREATED, EventType.STORY_UPDATED
    if created in subscription.events and not told:
        yield created, ""
        return
    if updated in subscription.events:
        news = [d for d in developments if _is_asked(subscription, d) and mark(updated, d) not in told]
        topics = [d for d in news if not d.startswith(FACT)]
        yield from ((updated, development) for development in topics or news)


def _is_asked(subscription: Subscription, development: str) -> bool:
    return not subscription.topics or not topics_of(development).isdisjoint(subscription.topics)


def mark(event: EventType, development: str) -> str:
    """Return how the memory of what was told names one alert: `story.updated:topic:trailer`."""
    return f"{event}:{development}" if development else event.value


def _join(memory: _StoryMemory, article: Article, tagging: Tagging) -> None:
    memory.outlets.add(article.publisher.slug)
    memory.last_event_at = max(memory.last_event_at, article.event_at)
    story = replace(
        memory.story,
        updated_at=max(memory.story.updated_at, article.first_seen_at),
        article_count=memory.story.article_count + 1,
        outlet_count=max(memory.story.outlet_count, len(memory.outlets)),
        is_production_news=memory.story.is_production_news or tagging.is_production_news,
        is_backlog=memory.story.is_backlog and article.is_backlog,
        tags=merge_tags(memory.story.tags, tagging.tags),
        facts=merge_facts(memory.story.facts, tagging.facts),
    )
    if article.publisher.tier.weight > memory.lead_weight:
        memory.lead_weight = article.publisher.tier.weight
        story = _lead_with(story, article)
    memory.story = story


def _lead_with(story: Story, article: Article) -> Story:
    return replace(
        story,
        title=article.title,
        url=article.url,
        outlet=article.publisher.name,
        summary=article.summary or story.summary,
        image_url=article.image_url or story.image_url,
        lead_article_id=article.article_id,
    )


def merge_tags(held: Iterable[Tag], new: Iterable[Tag]) -> tuple[Tag, ...]:
    """Return one tag per film or topic: `about` before `mentions`, then the higher score; the held one on a tie."""
    best: dict[tuple[str, str], Tag] = {}
    for tag in (*held, *new):
        key = (tag.kind.value, tag.ref)
        if key not in best or _strength(tag) > _strength(best[key]):
            best[key] = tag
    return tuple(best.values())


def _strength(tag: Tag) -> tuple[bool, float]:
    return tag.salience is Salience.ABOUT, tag.score
