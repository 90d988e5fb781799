"""One crawl in a process of its own: the request comes on stdin, result lines go to stdout, the log to stderr.

Run by `crawler.runner` as `python -m crawler`. Twisted's reactor cannot be started twice, a page may crash a C
parser, and a spider is code of many hands: none of that happens in the service.
"""

import ctypes
import os
import resource
import signal
import sys
import threading
from typing import Any, BinaryIO

from scrapy import Spider, signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.spiderloader import SpiderLoader

from core.values import FetchOutcome, ParsedEntry
from crawler.messages import Crawl, CrawlEnded, EntryFound, Line, PageRead, Problem, read_crawl, write_line
from crawler.settings import scrapy_settings

_PR_SET_PDEATHSIG = 1


def main() -> None:
    request = sys.stdin.buffer.readline()
    _die_with_parent(sys.stdin.buffer)
    output = _take_stdout()
    crawl = read_crawl(request)
    _limit_cpu(crawl.max_seconds)
    run_crawl(crawl, output)


def run_crawl(crawl: Crawl, output: BinaryIO) -> None:
    """Crawl, and write each result as it comes; the last line is always `CrawlEnded`."""
    process = AsyncCrawlerProcess(scrapy_settings(crawl))
    spider = _find_spider(process, crawl)
    if spider is None:
        words = f"no spider is named {crawl.spider!r}; add it to crawler/spiders or give the source selectors"
        output.write(write_line(CrawlEnded(outcome=FetchOutcome.CRAWL_FAILED, error=words)))
        output.flush()
        return
    crawler = process.create_crawler(spider)
    troubles: list[str] = []
    crawler.signals.connect(_writer_to(output), signal=signals.item_scraped, weak=False)
    crawler.signals.connect(_collector_of(troubles), signal=signals.spider_error, weak=False)
    process.crawl(crawler, **_arguments(crawl))
    process.start()
    output.write(write_line(_close(crawler.spider, troubles)))
    output.flush()


def _find_spider(process: AsyncCrawlerProcess, crawl: Crawl) -> type[Spider] | None:
    loader = SpiderLoader.from_settings(process.settings)
    return loader.load(crawl.spider) if crawl.spider in loader.list() else None


def _arguments(crawl: Crawl) -> dict[str, Any]:
    if crawl.source is None:
        return {"pages": crawl.pages, "selectors": crawl.selectors, "now": crawl.now}
    return {"source": crawl.source, "now": crawl.now}


def _writer_to(output: BinaryIO) -> Any:
    def write_item(item: Any) -> None:
        output.write(write_line(_line_for(item)))
        output.flush()

    return write_item


def _line_for(item: Any) -> Line:
    match item:
        case ParsedEntry():
            return EntryFound(entry=item)
        case PageRead() | Problem():
            return item
        case _:
            return Problem(words=f"The spider yielded {type(item).__name__}, which is neither entry nor problem.")


def _collector_of(troubles: list[str]) -> Any:
    def note_trouble(failure: Any) -> None:
        troubles.append(f"{type(failure.value).__name__}: {str(failure.value)[:200]}")

    return note_trouble


def _close(spider: Spider | None, troubles: list[str]) -> CrawlEnded:
    if troubles:
        return CrawlEnded(outcome=FetchOutcome.CRAWL_FAILED, error=f"the spider broke: {troubles[0]}")
    ended = getattr(spider, "ended", None)
    return ended if isinstance(ended, CrawlEnded) else CrawlEnded(outcome=FetchOutcome.OK)


def _take_stdout() -> BinaryIO:
    """Keep the result pipe for results: whatever else prints lands on stderr."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def _limit_cpu(seconds: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def _die_with_parent(stdin: BinaryIO) -> None:
    """End when the service does: the kernel tells us on Linux, the closed stdin everywhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(stdin.fileno(),), daemon=True).start()


def _watch(stdin: int) -> None:
    while os.read(stdin, 1024):
        pass
    os._exit(3)
