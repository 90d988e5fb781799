"""A server that asks one of its feeds to wait is asked by none of them meanwhile."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from core.services import lane_of
from core.values import Publisher, PublisherSlug, Source, SourceId, SourceKind
from crawler.rests import RestBook
from scheduler.jobs import Jobs
from scheduler.loopback import QuietHandler, serve_loopback
from store.engine import Store
from store.sources import sync_sources
from tests.scheduler.line import Clock, Recorder, StepDispatcher, build_jobs, gateway

MINUTE = timedelta(minutes=1)
BODY = (
    b'<rss version="2.0"><channel><title>Pier</title><item><guid>1</guid><title>Day one</title></item></channel></rss>'
)


@dataclass
class Publishers:
    """A server whose feeds `/0` to `/3` answer as `busy` says, else plainly; it keeps what was asked, and when."""

    busy: dict[str, tuple[int, str]]
    clock: Clock = field(default_factory=Clock)
    asked: list[tuple[str, timedelta]] = field(default_factory=list)
    address: str = ""

    @contextmanager
    def serve(self, store: Store) -> Iterator[None]:
        start = self.clock()
        with serve_loopback(partial(_Handler, self, start)) as self.address:
            pier = Publisher(slug=PublisherSlug("pier"), name="Pier")
            sources = [
                Source(source_id=SourceId(f"pier-{n}"), publisher=pier, kind=SourceKind.FEED, url=f"{self.address}/{n}")
                for n in range(4)
            ]
            with store.write() as tx:
                sync_sources(tx, sources, now=start)
            yield


class _Handler(QuietHandler):
    def __init__(self, owner: Publishers, start: object, *args: object) -> None:
        self._owner, self._start = owner, start
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        owner = self._owner
        owner.asked.append((self.path, owner.clock() - self._start))  # type: ignore[operator]
        status, wait = owner.busy.get(self.path, (200, ""))
        headers = {"Retry_After": wait} if wait else {}
        self.answer(status, "application/rss+xml", BODY if status == 200 else b"", **headers)


def look(store: Store, publishers: Publishers, *, minutes: int, shared_folder: Path | None = None) -> None:
    """Let one process look each minute who is due."""

    async def run() -> None:
        async with gateway() as opened:
            jobs: Jobs = build_jobs(store, opened, Recorder(), publishers.clock, shared_folder=shared_folder)
            assert isinstance(jobs.dispatcher, StepDispatcher)
            for _ in range(minutes):
                await jobs.dispatcher.run("poll")
                publishers.clock.pass_by(MINUTE)

    asyncio.run(run())


@pytest.mark.parametrize("status", [429, 503])
def test_no_feed_of_a_busy_host_is_asked_before_its_time(sqlite_store: Store, status: int) -> None:
    publishers = Publishers({"/0": (status, "600")})
    with publishers.serve(sqlite_store):
        look(sqlite_store, publishers, minutes=15)
    refused = next(number for number, (path, _) in enumerate(publishers.asked) if path == "/0")
    until = publishers.asked[refused][1] + 10 * MINUTE
    later = publishers.asked[refused + 1 :]
    assert later, "they are asked again when the time has come"
    assert all(at >= until for _, at in later)
    assert {path for path, _ in publishers.asked} == {"/0", "/1", "/2", "/3"}


def test_one_feed_that_is_refused_does_not_silence_the_others_for_days(sqlite_store: Store) -> None:
    publishers = Publishers({"/0": (429, "604800")})
    with publishers.serve(sqlite_store):
        look(sqlite_store, publishers, minutes=65)
    assert {path for path, at in publishers.asked if at >= 60 * MINUTE} == {"/1", "/2", "/3"}


def test_a_restart_does_not_end_a_rest(sqlite_store: Store, tmp_path: Path) -> None:
    publishers = Publishers({f"/{number}": (503, "600") for number in range(4)})
    with publishers.serve(sqlite_store):
        for _ in range(9):
            look(sqlite_store, publishers, minutes=1, shared_folder=tmp_path)
        assert len(publishers.asked) == 1
        look(sqlite_store, publishers, minutes=4, shared_folder=tmp_path)
    assert len(publishers.asked) == 2


def test_what_a_crawl_was_asked_holds_for_feeds(sqlite_store: Store, tmp_path: Path) -> None:
    publishers = Publishers({})
    of_crawl = RestBook(tmp_path)
    with publishers.serve(sqlite_store):
        of_crawl.hear(lane_of("127.0.0.1"), 503, 10 * MINUTE, now=publishers.clock())
        look(sqlite_store, publishers, minutes=15, shared_folder=tmp_path)
    assert min(at for _, at in publishers.asked) >= 10 * MINUTE
    assert {path for path, _ in publishers.asked} == {"/0", "/1", "/2", "/3"}


@pytest.mark.parametrize("answer", [(429, ""), (500, "600"), (403, "")])
def test_other_troubles_are_one_feeds_own(sqlite_store: Store, answer: tuple[int, str]) -> None:
    publishers = Publishers({"/0": answer})
    with publishers.serve(sqlite_store):
        look(sqlite_store, publishers, minutes=2)
    assert {path for path, _ in publishers.asked} == {"/0", "/1", "/2", "/3"}
