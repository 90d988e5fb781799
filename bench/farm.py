"""A loopback farm of RSS feeds that publish the stream's items in their true order, faster than life."""

import bisect
import hashlib
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from xml.sax.saxutils import escape

from bench.stream import StreamItem
from scheduler.loopback import QuietHandler, serve_loopback


@dataclass(slots=True)
class TimeLine:
    """Where the stream's time stands on the wall clock: nothing is visible before `start` is called.

    Publishing dates are moved by one constant, so that gaps between items stay as they were and the last item
    is dated by the end of the run.
    """

    first_at: datetime
    last_at: datetime
    seconds_per_hour: float
    started: float | None = None

    def start(self) -> None:
        self.started = time.time()

    def wall_time(self, moment: datetime) -> float:
        """Return the Unix time at which what happened at `moment` becomes visible."""
        assert self.started is not None
        return self.started + (moment - self.first_at) / timedelta(hours=1) * self.seconds_per_hour

    def dated(self, moment: datetime) -> datetime:
        """Return `moment` as the feeds date it."""
        return moment + (datetime.fromtimestamp(self.wall_time(self.last_at), UTC) - self.last_at)


@dataclass(slots=True)
class Farm:
    """The feeds and what was asked of them. `served` holds every URL that some answer showed, and when it first did."""

    timeline: TimeLine
    window: int
    feeds: dict[str, list[StreamItem]]
    served: dict[str, float] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def visible(self, outlet: str) -> list[StreamItem]:
        """Return what the feed shows now, newest first."""
        if self.timeline.started is None:
            return []
        items, now = self.feeds[outlet], time.time()
        count = bisect.bisect_right(items, now, key=lambda item: self.timeline.wall_time(item.visible_at))
        return items[max(0, count - self.window) : count][::-1]

    def note(self, status: int, shown: Sequence[StreamItem]) -> None:
        now = time.time()
        with self._lock:
            self.statuses[status] += 1
            for item in shown:
                self.served.setdefault(item.url, now)


def plant(items: Sequence[StreamItem], timeline: TimeLine, *, window: int) -> Farm:
    feeds: dict[str, list[StreamItem]] = defaultdict(list)
    for item in items:
        feeds[item.outlet].append(item)
    return Farm(timeline=timeline, window=window, feeds=dict(feeds))


def open_farm(farm: Farm) -> AbstractContextManager[str]:
    """Serve each outlet's feed at ADDRESS/feeds/NUMBER.xml, numbered by name; yield ADDRESS."""
    return serve_loopback(partial(_FeedHandler, farm))


class _FeedHandler(QuietHandler):
    def __init__(self, farm: Farm, *args: object) -> None:
        self._farm = farm
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        number = self.path.removeprefix("/feeds/").removesuffix(".xml")
        outlets = sorted(self._farm.feeds)
        if not number.isdigit() or int(number) >= len(outlets):
            self.answer(404)
            return
        outlet = outlets[int(number)]
        shown = self._farm.visible(outlet)
        etag = f'"{hashlib.sha256(repr([item.url for item in shown]).encode()).hexdigest()[:20]}"'
        changed = self._last_modified(shown)
        if self.headers.get("If-None-Match") == etag:
            self._farm.note(304, ())
            self.answer(304, ETag=etag, Last_Modified=changed)
            return
        body = _rss(outlet, shown, self._farm.timeline).encode()
        self._farm.note(200, shown)
        self.answer(200, "application/rss+xml; charset=utf-8", body, ETag=etag, Last_Modified=changed)

    def _last_modified(self, shown: Sequence[StreamItem]) -> str:
        if not shown:
            return ""
        changed = self._farm.timeline.wall_time(shown[0].visible_at)
        return format_datetime(datetime.fromtimestamp(changed, UTC), usegmt=True)


def _rss(outlet: str, shown: Sequence[StreamItem], timeline: TimeLine) -> str:
    items = "".join(_rss_item(item, timeline) for item in shown)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel>'
        f"<title>{escape(outlet)}</title>{items}</channel></rss>"
    )


def _rss_item(item: StreamItem, timeline: TimeLine) -> str:
    dated = format_datetime(timeline.dated(item.published_at), usegmt=True) if item.published_at else ""
    categories = "".join(f"<category>{escape(name)}</category>" for name in item.categories)
    return (
        f"<item><title>{escape(item.title)}</title><link>{escape(item.url)}</link>"
        f"<guid>{escape(item.url)}</guid><description>{escape(escape(item.summary))}</description>"
        f"<pubDate>{dated}</pubDate>{categories}</item>"
    )
