"""Measure `core.dedupe`: articles a second and memory with 10,000, 100,000 and a million articles in the window.

usage: python -m bench.stories.speed [SIZE ...]

The articles are those of `bench.stories.traffic`. The window is filled as the desk fills it at its start, from stored
decisions (those on the stream, taken before); then some thousand articles are decided on, copies and stories both, and
an hour of the window is forgotten. A size has a process of its own. Times are CPU time of one core: the median of
batches of 250 decisions, and the share of an article in the hour that is forgotten. Memory is what the process grew.
"""

import argparse
import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import process_time

from bench.stories.corpus import NO_TAGGING, load_corpus
from bench.stories.evaluate import run_stream
from bench.stories.traffic import WINDOW, Told, make_traffic, take
from config.models import load_model
from core.dedupe.duplicates import DuplicateIndex
from core.dedupe.stories import StoryIndex
from core.values import Article, ArticleId, StoryId

_SIZES = [10_000, 100_000, 1_000_000]
_BATCHES, _BATCH = 12, 250
_CHUNK = 1000
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds are per article; memory is in bytes per article."""

    size: int
    deciding: float
    forgetting: float
    loading: float
    memory: float
    copy_share: float
    joined_share: float

    @property
    def rate(self) -> float:
        return 1 / (self.deciding + self.forgetting)

    def __str__(self) -> str:
        return (
            f"{self.size:>9,} articles: {self.rate:,.0f} articles/s "
            f"({self.deciding * 1e6:.0f} µs to decide, {self.forgetting * 1e6:.0f} µs to forget), "
            f"{self.memory * 1e5 / 1e6:,.0f} MB per 100k, {self.loading * 1e5:.0f} s to load 100k; "
            f"{self.copy_share:.1%} copies, {self.joined_share:.1%} join a story"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=_SIZES)
    sizes = parser.parse_args().sizes
    known, rates = _decide_stream(load_corpus().articles), list[float]()
    for size in sizes:
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as apart:
            measured = apart.submit(_measure, size, known).result()
        rates.append(measured.rate)
        print(measured, flush=True)
    print(f"the slowest size costs {max(rates) / min(rates):.2f} times the fastest")


def _measure(size: int, known: Mapping[ArticleId, StoryId]) -> Measured:
    stream = load_corpus().articles
    desk = _Desk()
    traffic = make_traffic(stream, size)
    first = next(traffic)
    desk.load([first], known)
    before = _resident_bytes()
    loading = sum(desk.load(chunk, known) for chunk in _chunks(traffic, size - 1))
    memory = _resident_bytes() - before
    batches = [[told.article for told in take(traffic, _BATCH)] for _ in range(_BATCHES)]
    deciding = median([desk.decide(batch) for batch in batches]) / _BATCH
    asked = _BATCHES * _BATCH
    return Measured(
        size=size,
        deciding=deciding,
        forgetting=desk.forget_some(first.article),
        loading=loading / size,
        memory=memory / size,
        copy_share=desk.copies / asked,
        joined_share=desk.joined / asked,
    )


def _decide_stream(stream: Sequence[Article]) -> Mapping[ArticleId, StoryId]:
    """Give the story of each article of the stream by its place."""
    return run_stream(stream, [NO_TAGGING] * len(stream), load_model("stories"))


class _Desk:
    """Both indexes, fed as the desk feeds them."""

    def __init__(self) -> None:
        self._duplicates = DuplicateIndex()
        self._stories = StoryIndex(window=WINDOW, model=load_model("stories"))
        self.copies = self.joined = 0

    def load(self, chunk: Sequence[Told], known: Mapping[ArticleId, StoryId]) -> float:
        """Remember articles that were decided on before; give the seconds it took."""
        started = process_time()
        for told in chunk:
            self._duplicates.add(told.article)
            story_id = StoryId(told.newsroom * 100_000 + known[ArticleId(told.place)])
            self._stories.add(told.article, NO_TAGGING, story_id)
        return process_time() - started

    def decide(self, articles: Sequence[Article]) -> float:
        """Decide on articles; give the seconds it took."""
        started = process_time()
        for article in articles:
            copy = self._duplicates.find(article)
            self._duplicates.add(article, duplicate_of=copy.article_id if copy else None)
            self.copies += copy is not None
            if copy is None:
                story_id = self._stories.assign(article, NO_TAGGING).story_id
                self.joined += story_id is not None
                self._stories.add(article, NO_TAGGING, story_id or StoryId(-article.article_id))
        return process_time() - started

    def forget_some(self, oldest: Article) -> float:
        """Forget the first hours of the window; give the seconds for each article."""
        held, limit, started = len(self._stories), oldest.event_at + _HOUR, process_time()
        while held - len(self._stories) < _BATCH:
            self._duplicates.forget(limit)
            self._stories.forget(limit)
            limit += _HOUR
        return (process_time() - started) / (held - len(self._stories))


def _chunks(traffic: Iterator[Told], count: int) -> Iterator[list[Told]]:
    rest = islice(traffic, count)
    while chunk := take(rest, _CHUNK):
        yield chunk


def _resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
