"""The real items of the shared stream, cut to some days and put on the bench's own time line."""

import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

SHARED = Path(os.environ.get("SETWIRE_SHARED", "../shared"))
STREAM = SHARED / "data" / "stream" / "dev_2026-02_05.jsonl.gz"
CATALOGUE = SHARED / "data" / "films" / "catalogue.jsonl.gz"

# A poller that came by every half hour sees an item soon after its date; a longer gap says the date is no
# publishing date (a republished text, a scheduled one), and then the sighting is the better time.
_BELIEVABLE_GAP = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamItem:
    """One item; `visible_at` is when its feed first showed it, in the stream's own time."""

    outlet: str
    url: str
    title: str
    summary: str
    categories: tuple[str, ...]
    published_at: datetime | None
    visible_at: datetime


def read_stream(first: date, last: date) -> list[StreamItem]:
    """Return the items first seen on the days `first` to `last` (both included, UTC), by `visible_at`, one per URL."""
    items = {item.url: item for item in reversed([i for i in _all_items() if first <= i.visible_at.date() <= last])}
    return sorted(items.values(), key=lambda item: item.visible_at)


def _all_items() -> Iterator[StreamItem]:
    with gzip.open(STREAM, "rt", encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            published_at = datetime.fromisoformat(item["published"]).astimezone(UTC) if item["published"] else None
            seen_at = datetime.fromtimestamp(item["first_seen"], UTC)
            yield StreamItem(
                outlet=item["outlet"],
                url=item["url"],
                title=item["title"],
                summary=item["summary"],
                categories=tuple(item["categories"]),
                published_at=published_at,
                visible_at=_visible_at(published_at, seen_at),
            )


def _visible_at(published_at: datetime | None, seen_at: datetime) -> datetime:
    if published_at is not None and timedelta(0) <= seen_at - published_at <= _BELIEVABLE_GAP:
        return published_at
    return seen_at
