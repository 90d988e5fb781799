"""Makes one digest of many alerts: their stories, and which sources could not be heard meanwhile. Sends nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.timing import say_timing
from core.values import Cadence, EventType, Hold, SourceId, Subscription
from core.webhooks import MAX_PAYLOAD_BYTES, clean_line

# How many stories and sources are listed, and how long a text may be: the first pair by which the payload fits.
_LIMITS = ((60, 300), (40, 200), (25, 150), (12, 100), (5, 60))
_PERIODS = {
    Cadence.HOURLY: timedelta(hours=1),
    Cadence.DAILY: timedelta(days=1),
    Cadence.WEEKLY: timedelta(days=7),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A source that failed in at least half of its checks; `reports` says whether it told of these films before."""

    source_id: SourceId
    publisher: str
    error: str
    failed_count: int
    check_count: int
    reports: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many sources were polled in a period, and which of them could not be heard."""

    source_count: int = 0
    silences: tuple[Silence, ...] = ()


def begin_period(subscription: Subscription, *, at: datetime, first_at: datetime) -> datetime:
    """Return from when on a digest speaks: one period of its cadence, or longer if it held something longer."""
    return min(first_at, at - _PERIODS.get(subscription.timing.cadence, timedelta(0)))


def build_digest(
    *, at: datetime, since: datetime, subscription: Subscription, hold: Hold, alerts: Sequence[str], coverage: Coverage
) -> str:
    """Write what was held (payloads of ours, oldest first) as one payload of at most 20,000 bytes.

    Shape: each story once, the newest first; those that do not fit are counted in `more_count`.
    """
    stories = list(_merge_stories(alerts).values())[::-1]
    for most, max_chars in _LIMITS:
        text = _write(at, since, subscription, hold, stories, coverage, most, max_chars)
        if len(text.encode()) <= MAX_PAYLOAD_BYTES:
            return text
    raise ValueError(f"the digest cannot be cut to {MAX_PAYLOAD_BYTES:,} bytes")


def _write(
    at: datetime,
    since: datetime,
    subscription: Subscription,
    hold: Hold,
    stories: list[dict[str, Any]],
    coverage: Coverage,
    most: int,
    max_chars: int,
) -> str:
    data = {
        "period": {"from": _iso(since), "until": _iso(at)},
        "cause": hold.value,
        "story_count": len(stories),
        "more_count": max(len(stories) - most, 0),
        "stories": [_cut_texts(story, max_chars) for story in stories[:most]],
        "coverage": {
            "source_count": coverage.source_count,
            "unreachable_count": len(coverage.silences),
            "unreachable": [_describe_silence(silence, max_chars) for silence in coverage.silences[:most]],
        },
        "match": {
            "subscription_id": _cut(subscription.subscription_id, 100),
            "name": _cut(subscription.name, max_chars),
            "reasons": [say_timing(subscription.timing)],
        },
    }
    document = {"type": EventType.DIGEST.value, "timestamp": _iso(at), "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _merge_stories(alerts: Iterable[str]) -> dict[int, dict[str, Any]]:
    """Read the alerts; a story that is told again takes the last headline and adds what is new."""
    merged: dict[int, dict[str, Any]] = {}
    for text in alerts:
        document = json.loads(text)
        told = document["data"]
        story = _describe_story(document["timestamp"], told)
        known = merged.pop(story["id"], None)
        if known is not None:
            story["developments"] = [*known["developments"], *story["developments"]]
        merged[story["id"]] = story
    return merged


def _describe_story(at: str, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": told["story"]["id"],
        "title": told["story"]["title"],
        "url": told["story"]["url"],
        "at": at,
        "article_url": told["article"]["url"],
        "outlet": told["article"]["outlet"],
        "tier": told["article"]["tier"],
        "films": [{"id": film["id"], "title": film["title"]} for film in told["films"][:3]],
        "topics": [{"slug": topic["slug"], "name": topic["name"]} for topic in told["topics"][:3]],
        "developments": [told["development"]] if told["development"] else [],
    }


def _cut_texts(story: dict[str, Any], max_chars: int) -> dict[str, Any]:
    urls = {name: story[name] if len(story[name]) <= max_chars else "" for name in ("url", "article_url")}
    texts = {name: _cut(story[name], max_chars) for name in ("title", "outlet")}
    films = [{"id": _cut(film["id"], 100), "title": _cut(film["title"], max_chars)} for film in story["films"]]
    topics = [{"slug": _cut(t["slug"], 100), "name": _cut(t["name"], max_chars)} for t in story["topics"]]
    new = [_cut(words, 100) for words in story["developments"][:5]]
    return {**story, **texts, **urls, "films": films, "topics": topics, "developments": new}


def _describe_silence(silence: Silence, max_chars: int) -> dict[str, Any]:
    return {
        "id": _cut(silence.source_id, 100),
        "publisher": _cut(silence.publisher, max_chars),
        "error": _cut(silence.error, max_chars),
        "failed_count": silence.failed_count,
        "check_count": silence.check_count,
        "reports": silence.reports,
    }


def _cut(text: str, max_chars: int) -> str:
    line = clean_line(text[: 4 * max_chars])
    return line if len(line) <= max_chars else line[: max_chars - 1].rstrip() + "…"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
