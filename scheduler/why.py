"""Explains from the database why a subscription was told of a story, or why not. Changes nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from core.composing import find_developments, merge_tags
from core.facts.telling import merge_facts
from core.matching import explain_silence
from core.values import ArticleId, DeliveryState, EventType, Story, StoryId, SubscriptionId
from store.deliveries import delivery_detail
from store.engine import Session
from store.history import SubscriptionHistory, quiet_reasons, subscription_history
from store.stories import story_detail
from store.views import ArticleView, DeliveryView, StoryDetail


def explain(tx: Session, subscription_id: SubscriptionId, story_id: StoryId) -> list[str] | None:
    """Say in sentences what became of a story for a subscription; None when either was never there or is purged."""
    history, detail = subscription_history(tx, subscription_id), story_detail(tx, story_id)
    if history is None or detail is None:
        return None
    return [*_explain_matches(tx, history, detail), *_explain_articles(tx, history, detail), *_explain_copies(detail)]


def _explain_matches(tx: Session, history: SubscriptionHistory, detail: StoryDetail) -> Iterator[str]:
    name = history.subscription.subscription_id
    for view in detail.matches:
        if view.match.subscription_id == name:
            new = f" ({view.match.development})" if view.match.development else ""
            because = f"{view.match.event}{new}, {'; '.join(view.match.reasons)}"
            yield f"matched at {_say(view.matched_at)} by article {view.match.article_id}: {because}"
    theirs = [view for view in detail.deliveries if view.subscription_id == name]
    for owed in theirs:
        yield f"{owed.delivery.event} to {owed.delivery.endpoint.shown_address}: {_explain_delivery(tx, owed)}"
    if not theirs and any(view.match.subscription_id == name for view in detail.matches):
        yield "nothing was owed for it: the subscription named no endpoint, or the record was purged"


def _explain_delivery(tx: Session, view: DeliveryView) -> str:
    delivery, endpoint = view.delivery, view.delivery.endpoint
    rests = f"; the endpoint is disabled ({endpoint.disabled_reason}), it waits there" if endpoint.disabled_at else ""
    match delivery.state:
        case DeliveryState.DELIVERED:
            return f"told at {_say(view.finished_at)}"
        case DeliveryState.HELD:
            return f"{delivery.state_reason}; released at {_say(delivery.next_attempt_at)}{rests}"
        case DeliveryState.BUNDLED:
            digest = delivery_detail(tx, delivery.digest_id) if delivery.digest_id else None
            state = f", which is {digest.view.delivery.state}" if digest else ""
            return f"{delivery.state_reason}{state}"
        case DeliveryState.CANCELLED:
            return delivery.state_reason or "cancelled: the subscription ended before it was told"
        case DeliveryState.UNDELIVERABLE:
            return f"given up after {delivery.attempt_count} attempts: {view.last_words}"
        case DeliveryState.RETRYING:
            due = _say(delivery.next_attempt_at)
            return f"failed {delivery.attempt_count} times ({view.last_words}); tried again at {due}{rests}"
        case _:
            return f"owed since {_say(delivery.created_at)}{rests}"


def _explain_articles(tx: Session, history: SubscriptionHistory, detail: StoryDetail) -> Iterator[str]:
    """One sentence at least for each article that caused no alert, judged by the story as it was then."""
    name = history.subscription.subscription_id
    matched = {view.match.article_id for view in detail.matches if view.match.subscription_id == name}
    quiet = quiet_reasons(tx, [view.article.article_id for view in detail.articles])
    story = replace(detail.view.story, tags=(), facts=(), is_production_news=False)
    was_told = False
    for view in detail.articles:
        before, story = story, _grow(story, view)
        if view.article.article_id in matched:
            was_told = True
            continue
        silence = _explain_silence(history, before, story, view, quiet, was_told=was_told)
        yield from (f"article {view.article.article_id} ({view.article.publisher.name}): {says}" for says in silence)


def _grow(story: Story, view: ArticleView) -> Story:
    return replace(
        story,
        tags=merge_tags(story.tags, view.tagging.tags),
        facts=merge_facts(story.facts, view.tagging.facts),
        is_production_news=story.is_production_news or view.tagging.is_production_news,
    )


def _explain_silence(
    history: SubscriptionHistory,
    before: Story,
    story: Story,
    view: ArticleView,
    quiet: dict[ArticleId, str],
    *,
    was_told: bool,
) -> list[str]:
    article, subscription = view.article, history.subscription
    if (reason := quiet.get(article.article_id)) is not None:
        return [reason]
    if history.added_at > article.first_seen_at:
        return [f"the subscription was added later, at {_say(history.added_at)}"]
    if history.removed_at is not None and history.removed_at < article.first_seen_at:
        return [f"the subscription had been removed at {_say(history.removed_at)}"]
    if missing := [f"not matched: {says}" for says in explain_silence(subscription, story, article)]:
        return [*missing, *_explain_change(history, article.first_seen_at)]
    if was_told:
        return [_explain_told(history, before, view)]
    if not subscription.is_enabled:
        return ["the subscription is paused"]
    if EventType.STORY_CREATED not in subscription.events:
        return ["the subscription asks for updates only, and was not told of the story before"]
    return ["it would match now", *_explain_change(history, article.first_seen_at)]


def _explain_told(history: SubscriptionHistory, before: Story, view: ArticleView) -> str:
    if EventType.STORY_UPDATED not in history.subscription.events:
        return "already told of the story, and the subscription asks for no updates"
    if not find_developments(before, view.tagging):
        return "already told of the story, and the article brings nothing new"
    return "already told of this development"


def _explain_change(history: SubscriptionHistory, seen_at: datetime) -> list[str]:
    if history.changed_at is None or history.changed_at <= seen_at:
        return []
    return [f"the subscription was changed later, at {_say(history.changed_at)}; what it asked before is not kept"]


def _explain_copies(detail: StoryDetail) -> Iterator[str]:
    for view in detail.duplicates:
        reason = view.duplicate.reason if view.duplicate else "same text"
        yield f"article {view.article.article_id} ({view.article.publisher.name}): duplicate, {reason}; told to nobody"


def _say(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "an unknown time"
