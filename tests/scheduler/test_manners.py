"""Fifteen points of a feed reader's manners, scored by a server of ours; every question comes from a new process."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

from config.settings import Settings
from core.values import Publisher, PublisherSlug, Source, SourceId, SourceKind
from scheduler.loopback import QuietHandler, serve_loopback
from scheduler.service import fetch_settings
from store.engine import Store
from store.sources import sync_sources
from tests.scheduler.line import Clock, Recorder, StepDispatcher, build_jobs, gateway

BODY = (
    b'<rss version="2.0"><channel><title>L</title><item><guid>1</guid><title>Night shoot</title></item></channel></rss>'
)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

Answer = tuple[int, dict[str, str]]
Plan = Callable[[int, str], Answer]


@dataclass(frozen=True)
class Question:
    """One request as the server saw it, and the reader's time at which it came."""

    at: datetime
    path: str
    headers: dict[str, str]

    @property
    def validators(self) -> tuple[str | None, str | None]:
        return self.headers.get("if-none-match"), self.headers.get("if-modified-since")


@dataclass
class Scorer:
    """Answers by a plan: status and headers by the number of the question and its path."""

    plan: Plan
    clock: Clock = field(default_factory=Clock)
    asked: list[Question] = field(default_factory=list)

    def watch(self, store: Store, *, step: timedelta, steps: int) -> list[Question]:
        """Let a fresh process look after each step whether the source is due."""
        with serve_loopback(partial(_ScorerHandler, self)) as address:
            source = Source(
                source_id=SourceId("lantern"),
                publisher=Publisher(slug=PublisherSlug("lantern"), name="Lantern"),
                kind=SourceKind.FEED,
                url=f"{address}/feed",
            )
            for _ in range(steps):
                with store.write() as tx:
                    sync_sources(tx, [source], now=self.clock())
                asyncio.run(self._look(store))
                self.clock.pass_by(step)
        return self.asked

    async def _look(self, store: Store) -> None:
        async with gateway() as opened:
            jobs = build_jobs(store, opened, Recorder(), self.clock)
            assert isinstance(jobs.dispatcher, StepDispatcher)
            await jobs.dispatcher.run("poll")


class _ScorerHandler(QuietHandler):
    def __init__(self, scorer: Scorer, *args: object) -> None:
        self._scorer = scorer
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        scorer = self._scorer
        status, headers = scorer.plan(len(scorer.asked), self.path)
        scorer.asked.append(
            Question(scorer.clock.moment, self.path, {name.lower(): value for name, value in self.headers.items()})
        )
        self.answer(status, "application/rss+xml", BODY if status == 200 else b"", Set_Cookie="id=1", **headers)


def test_who_asks_and_what_is_sent_back(sqlite_store: Store) -> None:
    """Points 1 to 9."""
    answers: list[Answer] = [
        (200, {"ETag": 'W/"a+b c"', "Last_Modified": "yesterday, noon"}),
        (200, {"ETag": '"b"', "Last_Modified": "yesterday, noon"}),
        (304, {"ETag": '"c"'}),
        (200, {}),
        (200, {}),
    ]
    asked = Scorer(lambda number, _: answers[number]).watch(sqlite_store, step=HOUR * 7, steps=5)
    assert all("+http" in question.headers["user-agent"] for question in asked), "1 says whom to write to"
    assert not any("cookie" in question.headers for question in asked), "2 keeps no cookies"
    assert not any("referer" in question.headers for question in asked), "3 tells nobody where it was"
    assert all("gzip" in question.headers["accept-encoding"] for question in asked), "4 takes it compressed"
    assert [question.validators for question in asked] == [
        (None, None),  # 5 asks plainly at first
        ('W/"a+b c"', "yesterday, noon"),  # 6 sends back what it was given, byte for byte
        ('"b"', "yesterday, noon"),  # 7 replaces both when one has changed
        ('"c"', "yesterday, noon"),  # 8 learns from a 304
        (None, None),  # 9 forgets what a new document does not bring
    ]


def test_a_whole_document_is_asked_for_once_in_eight_days(sqlite_store: Store) -> None:
    """Point 10."""
    scorer = Scorer(lambda number, _: (304 if number % 8 else 200, {"ETag": '"a"'}))
    asked = scorer.watch(sqlite_store, step=timedelta(days=1), steps=10)
    assert [question.validators[0] for question in asked] == [None, *['"a"'] * 7, None, '"a"']


def spacing(asked: list[Question]) -> list[timedelta]:
    return [later.at - earlier.at for earlier, later in pairwise(asked)]


def test_it_never_comes_early(sqlite_store: Store) -> None:
    """Points 11 to 13: max-age, Retry-After in seconds and as a date; at every look the process is a new one."""
    dated = format_datetime(datetime.now(UTC) + HOUR * 3, usegmt=True)
    answers: list[Answer] = [
        (200, {"Cache_Control": "max-age=3600"}),
        (429, {"Retry_After": "7200"}),
        (503, {"Retry_After": dated}),
    ]
    scorer = Scorer(lambda number, _: answers[number] if number < 3 else (200, {}))
    first, second, third = spacing(scorer.watch(sqlite_store, step=MINUTE * 10, steps=45)[:4])
    assert HOUR <= first <= HOUR * 1.4
    assert HOUR * 2 <= second <= HOUR * 2.5
    assert HOUR * 3 - MINUTE <= third <= HOUR * 3.6


def test_a_permanent_redirect_is_followed_for_good(sqlite_store: Store) -> None:
    """Point 14."""
    scorer = Scorer(lambda _, path: (200, {}) if path == "/new" else (301, {"Location": "/new"}))
    asked = scorer.watch(sqlite_store, step=HOUR * 8, steps=6)
    assert [question.path for question in asked] == ["/feed", "/new"] * 4 + ["/new"] * 2


def test_what_is_gone_rests(sqlite_store: Store) -> None:
    """Point 15."""
    asked = Scorer(lambda _, __: (410, {})).watch(sqlite_store, step=timedelta(days=1), steps=40)
    assert len(asked) == 2
    assert asked[1].at - asked[0].at >= timedelta(days=30)


def test_crawls_find_the_turns_of_the_service_from_their_own_working_directory() -> None:
    shared = fetch_settings(Settings(data_dir=Path("wire-data"))).shared_folder
    assert shared == Path.cwd() / "wire-data" / "services"
