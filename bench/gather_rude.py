"""A hundred good publishers beside as many kinds of rude ones as we know: what do the rude ones cost, and whom?

    python -m bench.gather_rude

Each side runs the jobs of the service for half a minute on loopback, once with the good sources alone and once with
the rude ones beside them. Promised: every visit to a rude server ends within 5 s of its deadline, memory stays below
256 MB, and the good sources are asked at most 10 % less often. Exits with 1 if that does not hold.
"""

import argparse
import asyncio
import gzip
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import brotli  # type: ignore[import-untyped]

from bench.feedserver import make_feed
from bench.gather_setwire import open_jobs, report, rest
from core.values import Publisher, PublisherSlug, Source, SourceId, SourceKind
from crawler.fetch import FetchSettings
from scheduler.embedded import EmbeddedDispatcher
from store.engine import migrate, open_store
from store.sources import all_sources, sync_sources
from tests.crawler.servers import Asked, Route, answer, drip, hang, head, moved, read_request, slow, spill

GOOD_COUNT = 100
SECONDS = 30.0
EVERY = timedelta(seconds=2)
DEADLINE = timedelta(seconds=5)
MOST_OVER_SECONDS = 5.0
MOST_MB = 256
MOST_LATE = 1.10
_GIB = 2**30


@cache
def _bomb() -> bytes:
    """Write a GiB of zeros as gzip: 64 members of 16 MiB."""
    return gzip.compress(bytes(_GIB // 64)) * 64


@cache
def _nested_bomb() -> bytes:
    return gzip.compress(gzip.compress(bytes(_GIB // 4)))


@cache
def _brotli_bomb() -> bytes:
    return bytes(brotli.compress(bytes(_GIB // 4), quality=3))


def _compressed(make: Callable[[], bytes], encoding: str) -> Route:
    async def say(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await answer(body=make(), content_encoding=encoding)(asked, writer)

    return say


async def _drip_tls(_: Asked, writer: asyncio.StreamWriter) -> None:
    """Begin a handshake and give a byte of it now and then."""
    for byte in itertools.chain(b"\x16\x03\x03\x40\x00", itertools.repeat(0)):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.3)


_CHUNKED = head(200, {"Content-Type": "text/xml", "Transfer-Encoding": "chunked"})
RUDE: Mapping[str, Route] = {
    "silence": hang,
    "drip of a body": drip(head(200, {"Content-Length": "99999"}), b"x", 0.2),
    "drip of a header": drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"x", 0.2),
    "drip of chunks": drip(_CHUNKED, b"1\r\nx\r\n", 0.2),
    "headers without end": drip(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n" * 50, 0),
    "body without end": drip(head(200, {"Content-Type": "text/xml"}), bytes(200_000), 0),
    "truncated gzip": answer(body=gzip.compress(make_feed(1, 0))[:-9], content_encoding="gzip"),
    "bomb of 1 GiB (gzip)": _compressed(_bomb, "gzip"),
    "bomb in a bomb": _compressed(_nested_bomb, "gzip, gzip"),
    "bomb (brotli)": _compressed(_brotli_bomb, "br"),
    "eight encodings": answer(body=b"x", content_encoding="gzip," * 8),
    "redirect loop": moved("/redirect%20loop"),
    "slow redirects": slow(2.0, moved("/slow%20redirects?again")),
    "304 to everything": answer(304),
    "no HTTP": spill(b"220 mail.example ESMTP\r\n"),
    "closed at once": spill(b""),
    "TLS that says nothing": hang,
    "TLS that drips": _drip_tls,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one run came to. Seconds; `gap` is between two visits to a good source, on average."""

    gap: float
    worst_gap: float
    visits: int
    longest: dict[str, float]
    said: dict[str, str]
    peak_mb: float


async def _serve() -> None:
    handled = set[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio itself holds a connection's task weakly, and one that hangs for ever would be swept away.
        task = asyncio.create_task(_handle(reader, writer))
        handled.add(task)
        task.add_done_callback(handled.discard)

    server = await asyncio.start_server(accept, "0.0.0.0", 0, backlog=300)  # all of 127/8 leads here
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # its clients are gone, and what it says to them never ends


async def _handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    number = int(writer.get_extra_info("sockname")[0].rpartition(".")[2])
    try:
        if writer.get_extra_info("sockname")[0].startswith("127.2."):
            name = list(RUDE)[number - 1]
            await _be_rude(name, reader, writer)
        while True:
            asked = read_request(await reader.readuntil(b"\r\n\r\n"))
            await asyncio.sleep(0.05)
            await answer(body=make_feed(number, 0), content_type="application/rss+xml")(asked, writer)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


async def _be_rude(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        is_tls = name.startswith("TLS")
        asked = Asked("/", b"", {}) if is_tls else read_request(await reader.readuntil(b"\r\n\r\n"))
        await RUDE[name](asked, writer)
        await writer.drain()


def _sources(port: int, *, is_rude: bool) -> list[Source]:
    good = [_source(f"good-{n}", f"http://127.1.0.{n}:{port}/feed") for n in range(1, GOOD_COUNT + 1)]
    if not is_rude:
        return good
    schemes = ["https" if name.startswith("TLS") else "http" for name in RUDE]
    return good + [
        _source(f"rude-{n}", f"{scheme}://127.2.0.{n}:{port}/{name.replace(' ', '%20')}")
        for n, (name, scheme) in enumerate(zip(RUDE, schemes, strict=True), 1)
    ]


def _source(name: str, url: str) -> Source:
    publisher = Publisher(slug=PublisherSlug(name), name=name)
    return Source(source_id=SourceId(name), publisher=publisher, kind=SourceKind.FEED, url=url, interval=EVERY)


async def _gather(database: str, port: int, *, is_rude: bool) -> dict[str, Any]:
    """Run the jobs and write down when each visit began and ended."""
    migrate(database)
    store = open_store(database)
    declared = _sources(port, is_rude=is_rude)
    with store.write() as tx:
        sync_sources(tx, declared, now=datetime.now(UTC))
    hosts = frozenset(source.url.split("/")[2].split(":")[0] for source in declared)
    settings = FetchSettings(allow_private_hosts=hosts, deadline=DEADLINE)
    visits: list[tuple[str, float, float]] = []
    async with open_jobs(store, settings, now=lambda: datetime.now(UTC), default=EVERY) as jobs:

        async def gather(source: Source, **args: Any) -> None:
            began = time.monotonic()
            await jobs.gather(source=source, **args)
            visits.append((source.source_id, began, time.monotonic()))

        dispatcher = EmbeddedDispatcher({**jobs.handlers(), "gather": gather, "edit": rest}, report=report)
        jobs.dispatcher = dispatcher
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            dispatcher.enqueue("poll", unique="poll", lock="poll")
            await asyncio.sleep(0.1)
        await dispatcher.stop(grace=DEADLINE * 2)
    with store.read() as tx:
        said = {source.source_id: state.last_error or "" for source, state in all_sources(tx)}
    store.close()
    return {"visits": visits, "said": said, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


@contextmanager
def _open_servers() -> Iterator[int]:
    command = [sys.executable, "-m", "bench.gather_rude", "--serve"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.stdin.close()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def run_side(folder: Path, *, is_rude: bool) -> Side:
    """Run one side in processes of its own, servers apart from the gatherer."""
    database = f"sqlite:///{folder}/{'beside' if is_rude else 'alone'}.db"
    with _open_servers() as port:
        command = [sys.executable, "-m", "bench.gather_rude", "--gather", database, str(port)]
        done = subprocess.run([*command, *(["--rude"] if is_rude else [])], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found = json.loads(done.stdout.splitlines()[-1])
    ended: dict[str, list[float]] = defaultdict(list)
    longest: dict[str, float] = defaultdict(float)
    for name, began, end in found["visits"]:
        ended[name].append(end)
        longest[name] = max(longest[name], end - began)
    good = [ends for name, ends in ended.items() if name.startswith("good")]
    gaps = [later - earlier for ends in good for earlier, later in itertools.pairwise(ends)]
    return Side(
        gap=mean(gaps),
        worst_gap=max(gaps),
        visits=sum(map(len, good)),
        longest=dict(longest),
        said=found["said"],
        peak_mb=found["peak_mb"],
    )


def compare(alone: Side, beside: Side) -> list[str]:
    """Print the table; return what was not kept."""
    broken: list[str] = []
    print(f"deadline {DEADLINE.total_seconds():g} s; longest visit in s, and what the operator is told at the end")
    for number, name in enumerate(RUDE, 1):
        took = beside.longest[f"rude-{number}"]
        print(f"  {name:24} {took:6.2f}  {beside.said[f'rude-{number}'][:96]}")
        if took > DEADLINE.total_seconds() + MOST_OVER_SECONDS:
            broken.append(f"{name}: a visit took {took:.1f} s")
    print(f"good sources, asked every {EVERY.total_seconds():g} s  {'alone':>8} {'beside':>8}")
    print(f"  visits                         {alone.visits:8} {beside.visits:8}")
    print(f"  mean gap between two, s        {alone.gap:8.2f} {beside.gap:8.2f}  {beside.gap / alone.gap:.2f} times")
    print(f"  longest gap, s                 {alone.worst_gap:8.2f} {beside.worst_gap:8.2f}")
    print(f"  peak memory, MB                {alone.peak_mb:8.0f} {beside.peak_mb:8.0f}")
    if beside.gap > alone.gap * MOST_LATE:
        broken.append(f"the good sources were asked {beside.gap / alone.gap:.2f} times as seldom")
    if beside.peak_mb > MOST_MB:
        broken.append(f"the gatherer took {beside.peak_mb:.0f} MB")
    return broken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--gather", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--rude", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve())
    elif options.gather:
        database, port = options.gather
        print(json.dumps(asyncio.run(_gather(database, int(port), is_rude=options.rude))))
    else:
        with tempfile.TemporaryDirectory() as folder:
            broken = compare(*(run_side(Path(folder), is_rude=is_rude) for is_rude in (False, True)))
        for sentence in broken:
            print(f"NOT KEPT: {sentence}")
        sys.exit(bool(broken))


if __name__ == "__main__":
    main()
