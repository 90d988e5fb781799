"""What a crawl's parent and child say to each other: one request down, result lines up, all JSON."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from core.values import EntryId, FetchOutcome, Pace, PageSelectors, ParsedEntry, ParsedPage, Source
from crawler.fetch import FetchSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """One crawl to do: a spider's name with its source, or the pages of entries for the article spider.

    `selectors` are those of the pages whose sources have some.
    `delay` is the least spacing of requests to one host; robots.txt may ask for more.
    """

    spider: str
    source: Source | None = None
    pages: tuple[tuple[EntryId, str], ...] = ()
    selectors: dict[EntryId, PageSelectors] = field(default_factory=dict)
    fetch: FetchSettings
    browser: str = ""
    delay: timedelta
    max_pages: int
    max_seconds: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFound:
    kind: Literal["entry"] = "entry"
    entry: ParsedEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead:
    """The page of an entry, or the sentence that says why there is none."""

    kind: Literal["page"] = "page"
    entry_id: EntryId
    page: ParsedPage | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    kind: Literal["problem"] = "problem"
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlEnded:
    """The last line of a crawl that ran its course; facts are those of the source's own address."""

    kind: Literal["end"] = "end"
    outcome: FetchOutcome
    error: str = ""
    status: int | None = None
    body_bytes: int = 0
    final_url: str = ""
    pace: Pace = field(default_factory=Pace)


Line = EntryFound | PageRead | Problem | CrawlEnded

_CRAWL: TypeAdapter[Crawl] = TypeAdapter(Crawl)
_LINE: TypeAdapter[Line] = TypeAdapter(Line)


def write_crawl(crawl: Crawl) -> bytes:
    return _CRAWL.dump_json(crawl) + b"\n"


def read_crawl(line: bytes) -> Crawl:
    return _CRAWL.validate_json(line)


def write_line(line: Line) -> bytes:
    return _LINE.dump_json(line) + b"\n"


def read_lines(output: bytes) -> Iterator[Line]:
    """Give the whole lines of what a child has written; a line cut short by its end is left out."""
    for raw in output.split(b"\n"):
        try:
            yield _LINE.validate_json(raw)
        except ValidationError:
            continue
