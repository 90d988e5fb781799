"""Measure `core.dedupe`: articles a second and memory with 10,000 and 100,000 articles in the window.

usage: python -m bench.stories.speed [SIZE ...]

The window is filled with the shared stream over and over, squeezed into five days; in each round a part of every
article's words is replaced by words of that round, so that copies are no copies but the vocabulary grows as news does.
"""

import argparse
import resource
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from time import process_time
from zlib import crc32

from bench.stories.corpus import NO_TAGGING, load_corpus
from config.models import load_model
from core.dedupe.duplicates import DuplicateIndex
from core.dedupe.stories import StoryIndex
from core.values import Article, ArticleId, StoryId

_PROBE = 2000
_WINDOW = timedelta(days=5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000])
    articles = load_corpus().articles
    for size in parser.parse_args().sizes:
        _measure(articles, size)


def _measure(articles: Sequence[Article], size: int) -> None:
    duplicates, stories = DuplicateIndex(), StoryIndex(window=_WINDOW, model=load_model("stories"))
    told = list(_vary(articles, size + _PROBE))
    before = _resident_bytes()
    for article in told[:size]:
        _edit(duplicates, stories, article)
    grown = _resident_bytes() - before
    started = process_time()
    for article in told[size:]:
        _edit(duplicates, stories, article)
    rate = _PROBE / (process_time() - started)
    memory = grown / 1e6 * 1e5 / size
    print(f"{size:>9,} articles: {rate:,.0f} articles/s, {memory:,.0f} MB per 100k ({len(stories):,} in stories)")


def _edit(duplicates: DuplicateIndex, stories: StoryIndex, article: Article) -> None:
    copy = duplicates.find(article)
    duplicates.add(article, duplicate_of=copy.article_id if copy else None)
    if copy is None:
        story_id = stories.assign(article, NO_TAGGING).story_id or StoryId(article.article_id)
        stories.add(article, NO_TAGGING, story_id)


def _vary(articles: Sequence[Article], size: int) -> Iterator[Article]:
    start = articles[0].event_at
    for number in range(size):
        turn, place = divmod(number, len(articles))
        article = articles[place]
        at = start + _WINDOW * (number / size)
        yield replace(
            article,
            article_id=ArticleId(number + 1),
            canonical_url=_reword(article.canonical_url, "-", turn),
            title=_reword(article.title, " ", turn),
            summary=_reword(article.summary, " ", turn),
            categories=tuple(_reword(category, " ", turn) for category in article.categories),
            event_at=at,
        )


def _reword(text: str, mark: str, turn: int) -> str:
    """Replace every rarer-looking word by one of the round; the same word gives the same word everywhere."""
    words = text.split(mark)
    return mark.join(f"{w}{turn}x" if turn and len(w) > 5 and crc32(w.lower().encode()) % 3 == 0 else w for w in words)


def _resident_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
