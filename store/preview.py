"""What a subscription would have matched over the stored archive, and how many alerts a week that is. Saves nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.composing import find_developments, merge_tags
from core.facts.telling import merge_facts
from core.matching import SubscriptionIndex
from core.values import EventType, Story, StoryId, Subscription
from store.engine import Session
from store.stories import load_window
from store.views import WindowArticle

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldAlert:
    """One alert it would have been."""

    at: datetime
    event: EventType
    story_id: StoryId
    title: str
    outlet: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Alerts newest first, the span of the archive they are from, and how many articles stand in it."""

    alerts: tuple[WouldAlert, ...]
    article_count: int
    span: timedelta

    @property
    def alerts_per_week(self) -> float:
        return len(self.alerts) / max(self.span / _WEEK, 1 / 7)


def preview_subscription(tx: Session, subscription: Subscription, *, now: datetime, days: int) -> Preview:
    """Go through the articles of the last days as the desk did, backlog included, each story told as it grew."""
    window = load_window(tx, since=now - timedelta(days=days))
    reports = [article for article in window.articles if article.story_id in window.stories]
    reports.sort(key=lambda known: (known.article.event_at, known.article.article_id))
    replay = _Replay(subscription, window.stories)
    alerts = [alert for known in reports for alert in replay.take(known)]
    oldest = reports[0].article.event_at if reports else now
    return Preview(alerts=tuple(alerts[::-1]), article_count=len(reports), span=now - oldest)


class _Replay:
    """The stories as they grew, and what of each would have been told."""

    def __init__(self, subscription: Subscription, stories: Mapping[StoryId, Story]) -> None:
        self._events = subscription.events
        self._index = SubscriptionIndex([replace(subscription, is_enabled=True)])
        bare = {key: replace(story, tags=(), facts=(), is_production_news=False) for key, story in stories.items()}
        self._stories: dict[StoryId, Story] = bare
        self._told: dict[StoryId, set[str]] = {}

    def take(self, known: WindowArticle) -> Iterator[WouldAlert]:
        assert known.story_id is not None
        before = self._stories[known.story_id]
        story = replace(
            before,
            tags=merge_tags(before.tags, known.tagging.tags),
            facts=merge_facts(before.facts, known.tagging.facts),
            is_production_news=before.is_production_news or known.tagging.is_production_news,
        )
        self._stories[known.story_id] = story
        for _, reasons in self._index.match(story, known.article):
            for event in self._news(known.story_id, find_developments(before, known.tagging)):
                yield WouldAlert(
                    at=known.article.event_at,
                    event=event,
                    story_id=known.story_id,
                    title=known.article.title,
                    outlet=known.article.publisher.name,
                    reasons=reasons,
                )

    def _news(self, story_id: StoryId, developments: Iterable[str]) -> Iterator[EventType]:
        if story_id not in self._told:
            if EventType.STORY_CREATED in self._events:
                self._told[story_id] = set()
                yield EventType.STORY_CREATED
            return
        if EventType.STORY_UPDATED in self._events:
            for development in set(developments) - self._told[story_id]:
                self._told[story_id].add(development)
                yield EventType.STORY_UPDATED
