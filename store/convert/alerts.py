"""Endpoints, subscriptions, deliveries and attempts."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, time
from typing import Any, assert_never

from core.values import (
    ArticleId,
    Attempt,
    Cadence,
    Delivered,
    Delivery,
    DeliveryId,
    Endpoint,
    EndpointGone,
    EndpointId,
    EventType,
    Exchange,
    GiveUp,
    Match,
    Mute,
    Outcome,
    Retry,
    Salience,
    StoryId,
    Subscription,
    SubscriptionId,
    Timing,
    Weekday,
)
from store.convert.rows import Columns, Row
from store.tables import OutcomeKind

_PLAIN_TIMING = Timing()
_TIMING_WORDS: Mapping[str, Callable[[str], Any]] = {
    "cadence": Cadence,
    "weekday": Weekday,
    "at": time.fromisoformat,
    "quiet_from": time.fromisoformat,
    "quiet_until": time.fromisoformat,
}


def endpoint_to_columns(endpoint: Endpoint) -> Columns:
    return {
        "endpoint_id": endpoint.endpoint_id,
        "kind": endpoint.kind,
        "address": endpoint.address,
        "secret": endpoint.secret,
        "old_secret": endpoint.old_secret,
        "old_secret_until_at": endpoint.old_secret_until_at,
        "failing_since_at": endpoint.failing_since_at,
        "disabled_at": endpoint.disabled_at,
        "disabled_reason": endpoint.disabled_reason,
    }


def endpoint_from_row(row: Row) -> Endpoint:
    return Endpoint(
        endpoint_id=EndpointId(row["endpoint_id"]),
        kind=row["kind"],
        address=row["address"],
        secret=row["secret"],
        old_secret=row["old_secret"],
        old_secret_until_at=row["old_secret_until_at"],
        failing_since_at=row["failing_since_at"],
        disabled_at=row["disabled_at"],
        disabled_reason=row["disabled_reason"],
    )


def subscription_to_columns(subscription: Subscription) -> Columns:
    return {
        "subscription_id": subscription.subscription_id,
        "name": subscription.name,
        "query": subscription.query,
        "films": list(subscription.films),
        "topics": list(subscription.topics),
        "words": list(subscription.words),
        "not_words": list(subscription.not_words),
        "outlets": list(subscription.outlets),
        "saliences": [salience.value for salience in subscription.saliences],
        "events": [event.value for event in subscription.events],
        "production_only": subscription.production_only,
        "min_tier": subscription.min_tier,
        "endpoints": list(subscription.endpoints),
        "timing": _timing_to_json(subscription.timing),
        "mutes": [{"ref": mute.ref, "until": mute.until.isoformat()} for mute in subscription.mutes],
        "is_enabled": subscription.is_enabled,
    }


def subscription_from_row(row: Row) -> Subscription:
    return Subscription(
        subscription_id=SubscriptionId(row["subscription_id"]),
        name=row["name"],
        query=row["query"],
        films=tuple(row["films"]),
        topics=tuple(row["topics"]),
        words=tuple(row["words"]),
        not_words=tuple(row["not_words"]),
        outlets=tuple(row["outlets"]),
        saliences=tuple(Salience(value) for value in row["saliences"]),
        events=tuple(EventType(value) for value in row["events"]),
        production_only=row["production_only"],
        min_tier=row["min_tier"],
        endpoints=tuple(row["endpoints"]),
        timing=_timing_from_json(row["timing"]),
        mutes=tuple([Mute(ref=m["ref"], until=datetime.fromisoformat(m["until"])) for m in row["mutes"]]),
        is_enabled=row["is_enabled"],
    )


def _timing_to_json(timing: Timing) -> Columns:
    """Only what differs from the default, so that most rows hold an empty object."""
    given = {field.name: getattr(timing, field.name) for field in fields(timing)}
    told = {name: value for name, value in given.items() if value != getattr(_PLAIN_TIMING, name)}
    return {name: value.isoformat() if isinstance(value, time) else value for name, value in told.items()}


def _timing_from_json(told: Mapping[str, Any]) -> Timing:
    if not told:
        return _PLAIN_TIMING
    return Timing(
        **{name: _TIMING_WORDS[name](value) if name in _TIMING_WORDS else value for name, value in told.items()}
    )


def match_to_columns(match: Match, *, now: datetime) -> Columns:
    return {
        "subscription_id": match.subscription_id,
        "story_id": match.story_id,
        "event": match.event,
        "development": match.development,
        "article_id": match.article_id,
        "reasons": list(match.reasons),
        "matched_at": now,
    }


def match_from_row(row: Row) -> Match:
    return Match(
        subscription_id=SubscriptionId(row["subscription_id"]),
        story_id=StoryId(row["story_id"]),
        event=row["event"],
        development=row["development"],
        article_id=ArticleId(row["article_id"]),
        reasons=tuple(row["reasons"]),
    )


def delivery_to_columns(delivery: Delivery) -> Columns:
    return {
        "delivery_id": delivery.delivery_id,
        "endpoint_id": delivery.endpoint.endpoint_id,
        "event": delivery.event,
        "story_id": delivery.story_id,
        "payload": delivery.payload,
        "state": delivery.state,
        "attempt_count": delivery.attempt_count,
        "given_up_count": delivery.given_up_count,
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.next_attempt_at,
        "subscription_id": delivery.subscription_id,
        "hold": delivery.hold,
        "state_reason": delivery.state_reason,
        "digest_id": delivery.digest_id,
    }


# What `delivery_from_row` reads.
DELIVERY_COLUMNS = (
    "delivery_id",
    "endpoint_id",
    "event",
    "story_id",
    "payload",
    "state",
    "attempt_count",
    "given_up_count",
    "created_at",
    "next_attempt_at",
    "subscription_id",
    "hold",
    "state_reason",
    "digest_id",
)


def delivery_from_row(row: Row, endpoint: Endpoint) -> Delivery:
    return Delivery(
        delivery_id=DeliveryId(row["delivery_id"]),
        endpoint=endpoint,
        event=row["event"],
        story_id=row["story_id"],
        payload=row["payload"],
        state=row["state"],
        attempt_count=row["attempt_count"],
        given_up_count=row["given_up_count"],
        created_at=row["created_at"],
        next_attempt_at=row["next_attempt_at"],
        subscription_id=row["subscription_id"],
        hold=row["hold"],
        state_reason=row["state_reason"],
        digest_id=row["digest_id"],
    )


def attempt_to_columns(attempt: Attempt) -> Columns:
    return {
        "delivery_id": attempt.delivery_id,
        "number": attempt.number,
        "started_at": attempt.started_at,
        "duration": attempt.duration,
        **_outcome_to_columns(attempt.outcome),
    }


def _outcome_to_columns(outcome: Outcome) -> Columns:
    match outcome:
        case Delivered(detail=words):
            kind, after = OutcomeKind.DELIVERED, None
        case Retry(reason=words, after=after):
            kind = OutcomeKind.RETRY
        case GiveUp(reason=words):
            kind, after = OutcomeKind.GIVE_UP, None
        case EndpointGone(reason=words):
            kind, after = OutcomeKind.ENDPOINT_GONE, None
        case _:
            assert_never(outcome)
    said = outcome.exchange
    return {
        "outcome": kind,
        "words": words,
        "status": outcome.status,
        "retry_after": after,
        "request": said.request,
        "response": said.response,
    }


def attempt_from_row(row: Row) -> Attempt:
    return Attempt(
        delivery_id=DeliveryId(row["delivery_id"]),
        number=row["number"],
        started_at=row["started_at"],
        duration=row["duration"],
        outcome=_outcome_from_row(row),
    )


def _outcome_from_row(row: Row) -> Outcome:
    words, status = row["words"], row["status"]
    said = Exchange(request=row["request"], response=row["response"])
    match OutcomeKind(row["outcome"]):
        case OutcomeKind.DELIVERED:
            return Delivered(detail=words, status=status, exchange=said)
        case OutcomeKind.RETRY:
            return Retry(reason=words, status=status, after=row["retry_after"], exchange=said)
        case OutcomeKind.GIVE_UP:
            return GiveUp(reason=words, status=status, exchange=said)
        case OutcomeKind.ENDPOINT_GONE:
            return EndpointGone(reason=words, status=status, exchange=said)
