"""Runs each crawl in a child process with a deadline, and turns whatever becomes of it into values."""

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from core.values import EntryId, Fetch, FetchOutcome, PageSelectors, ParsedEntry, ParsedPage, Source, SourceKind
from crawler.feeds import Gathered
from crawler.fetch import FetchSettings
from crawler.messages import Crawl, CrawlEnded, EntryFound, Line, PageRead, Problem, read_lines, write_crawl

_LOG = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parent.parent
_CHUNK_BYTES = 64 * 1024
_LOG_TAIL_BYTES = 4 * 1024
# What a child needs to find Python, certificates and its locale; the service's secrets are not among it.
_PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "HOME",
    "PLAYWRIGHT_BROWSERS_PATH",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlSettings:
    """How one crawl may go. `delay` spaces requests to a host; `deadline` is for the whole child process.

    `browser` is the program that shows pages made by script, empty for Playwright's own.
    """

    fetch: FetchSettings = field(default_factory=FetchSettings)
    deadline: timedelta = timedelta(minutes=3)
    delay: timedelta = timedelta(seconds=1)
    max_pages: int = 25
    max_output_bytes: int = 32 * 1024 * 1024
    browser: str = ""


@dataclass(frozen=True, slots=True)
class _Result:
    """What a child left behind: its lines, and one sentence if it did not end as it should."""

    lines: tuple[Line, ...]
    fault: str = ""

    @property
    def ended(self) -> CrawlEnded:
        if self.fault:
            return CrawlEnded(outcome=FetchOutcome.CRAWL_FAILED, error=self.fault)
        ends = [line for line in self.lines if isinstance(line, CrawlEnded)]
        missing = "the crawl's process ended without its last word; see the log"
        return ends[-1] if ends else CrawlEnded(outcome=FetchOutcome.CRAWL_FAILED, error=missing)


async def run_spider(source: Source, *, settings: CrawlSettings, now: Callable[[], datetime]) -> Gathered:
    """Crawl a listing or sitemap in a child process; a crash, kill or overrun is `crawl-failed` with a sentence.

    Shape: entries in the document's order, guids unique. Entries found before a failure are kept out of it, so
    that a half crawl is never mistaken for the whole.
    """
    started_at = now()
    result = await _run_child(_crawl_of(source, settings, started_at), settings)
    ended = result.ended
    entries = _entries_of(result.lines) if ended.outcome is FetchOutcome.OK else ()
    fetch = Fetch(
        source_id=source.source_id,
        started_at=started_at,
        duration=now() - started_at,
        outcome=ended.outcome,
        status=ended.status,
        body_bytes=ended.body_bytes,
        entry_count=len(entries),
        error=ended.error,
        final_url=ended.final_url,
        pace=ended.pace,
    )
    problems = tuple(line.words for line in result.lines if isinstance(line, Problem))
    return Gathered(fetch=fetch, entries=entries, problems=problems)


async def fetch_articles(
    urls: Sequence[tuple[EntryId, str]],
    *,
    settings: CrawlSettings,
    selectors: Mapping[EntryId, PageSelectors] = MappingProxyType({}),
) -> dict[EntryId, ParsedPage | str]:
    """Read the pages of entries in one child process; `selectors` for those whose source has its own.

    Shape: every entry asked for is a key; its value is the page, or the sentence that says why there is none.
    """
    if not urls:
        return {}
    crawl = _make_crawl("article", settings, now=datetime.now(UTC), pages=tuple(urls))
    crawl = replace(crawl, selectors=dict(selectors))
    result = await _run_child(crawl, settings)
    missing = result.ended.error or "the page was not reached before the crawl's page cap; it is tried again later"
    pages: dict[EntryId, ParsedPage | str] = dict.fromkeys((entry_id for entry_id, _ in urls), missing)
    for line in result.lines:
        if isinstance(line, PageRead):
            pages[line.entry_id] = line.page or line.error
    return pages


def _crawl_of(source: Source, settings: CrawlSettings, now: datetime) -> Crawl:
    return _make_crawl(_spider_of(source), settings, now=now, source=source)


def _spider_of(source: Source) -> str:
    """Name the spider: the publisher's own if the source names one, else that of its kind."""
    if source.spider:
        return source.spider
    return "sitemap" if source.kind is SourceKind.SITEMAP else "listing"


def _make_crawl(
    spider: str,
    settings: CrawlSettings,
    *,
    now: datetime,
    source: Source | None = None,
    pages: tuple[tuple[EntryId, str], ...] = (),
) -> Crawl:
    return Crawl(
        spider=spider,
        source=source,
        pages=pages,
        fetch=settings.fetch,
        browser=settings.browser,
        delay=settings.delay,
        max_pages=max(settings.max_pages, len(pages)),
        max_seconds=max(1, round(settings.deadline.total_seconds())),
        now=now,
    )


def _entries_of(lines: Sequence[Line]) -> tuple[ParsedEntry, ...]:
    found: dict[str, ParsedEntry] = {}
    for line in lines:
        if isinstance(line, EntryFound):
            found.setdefault(line.entry.guid, line.entry)
    return tuple(found.values())


async def _run_child(crawl: Crawl, settings: CrawlSettings) -> _Result:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crawler"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=_ROOT,
        env={name: value for name in _PASSED_ON if (value := os.environ.get(name)) is not None},
        start_new_session=True,
    )
    output, log = bytearray(), bytearray()
    fault = ""
    try:
        async with asyncio.timeout(settings.deadline.total_seconds()):
            fault = await _converse(process, write_crawl(crawl), output, log, settings.max_output_bytes)
    except TimeoutError:
        fault = f"the crawl took longer than {settings.deadline.total_seconds():g} s and was stopped"
    finally:
        await _end_child(process)
    _LOG.debug("crawl %s: %s", crawl.spider, log.decode(errors="replace"))
    return _Result(tuple(read_lines(bytes(output))), fault or _describe_exit(process.returncode, log))


async def _converse(process: Process, request: bytes, output: bytearray, log: bytearray, max_bytes: int) -> str:
    """Hand the request down and take everything that comes up; stdin stays open, for its end means our death."""
    assert process.stdin is not None
    process.stdin.write(request)
    tail = asyncio.create_task(_collect_tail(process.stderr, log))
    try:
        if not await _collect(process.stdout, output, max_bytes):
            return f"the crawl brought more than {max_bytes:,} bytes and was stopped"
        await tail
    finally:
        tail.cancel()
    await process.wait()
    return ""


async def _collect(stream: asyncio.StreamReader | None, output: bytearray, max_bytes: int) -> bool:
    """Read to the end of the stream; False as soon as it is more than `max_bytes`."""
    assert stream is not None
    while chunk := await stream.read(_CHUNK_BYTES):
        output += chunk
        if len(output) > max_bytes:
            return False
    return True


async def _collect_tail(stream: asyncio.StreamReader | None, tail: bytearray) -> None:
    assert stream is not None
    while chunk := await stream.read(_CHUNK_BYTES):
        tail += chunk
        del tail[:-_LOG_TAIL_BYTES]


async def _end_child(process: Process) -> None:
    """Leave nothing behind: the whole process group goes, whoever is still in it, and its pipes run dry."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        process.stdin.close()
    await asyncio.gather(process.wait(), _drain(process.stdout), _drain(process.stderr))


async def _drain(stream: asyncio.StreamReader | None) -> None:
    while stream is not None and await stream.read(_CHUNK_BYTES):
        pass


def _describe_exit(code: int | None, log: bytearray) -> str:
    if not code:
        return ""
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    last_line = log.decode(errors="replace").strip().rpartition("\n")[2][:200]
    return f"the crawl's process {how}{': ' + last_line if last_line else ''}; it is tried again later"
