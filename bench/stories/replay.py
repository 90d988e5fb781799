"""Write down every decision on the stream, or compare them with those another version wrote down.

usage: python -m bench.stories.replay OUT.jsonl [--against OLD.jsonl] [--newsrooms SIZE] [--untagged]

What is meant to change the cost of `core.dedupe` and not its decisions is checked with this: run it before, run it
after with `--against`. Copies and stories must be the same ones, scores may differ by rounding (1e-9). The window is
swept every hour, as the desk does. `--newsrooms` reads SIZE articles of the traffic of `bench.stories.speed` instead.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bench.stories.corpus import NO_TAGGING, build_tagger, load_corpus
from bench.stories.traffic import make_traffic, take
from config.models import load_model
from core.dedupe.duplicates import DuplicateIndex
from core.dedupe.stories import StoryIndex
from core.values import Article, StoryId

_STORY_WINDOW = timedelta(days=5)
_TEXT_WINDOW = timedelta(days=30)
_ROUNDING = 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--newsrooms", type=int, metavar="SIZE")
    parser.add_argument("--untagged", action="store_true", help="judge as if the tagger knew no film and no topic")
    arguments = parser.parse_args()
    articles: Iterable[Article] = load_corpus().articles
    if arguments.newsrooms:
        articles = (
            told.article for told in take(make_traffic(list(articles), arguments.newsrooms), arguments.newsrooms)
        )
    with arguments.out.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(decision) + "\n" for decision in decide(articles, with_tags=not arguments.untagged))
    if arguments.against:
        sys.exit(_compare(_read(arguments.against), _read(arguments.out)))


def decide(articles: Iterable[Article], *, with_tags: bool) -> Iterator[dict[str, Any]]:
    """Give the decision on each article in order, as the desk would take it."""
    tagger = build_tagger() if with_tags else None
    duplicates, stories = DuplicateIndex(), StoryIndex(window=_STORY_WINDOW, model=load_model("stories"))
    newest: datetime | None = None
    for article in articles:
        hour = article.event_at.replace(minute=0, second=0, microsecond=0)
        if newest is None or hour > newest:
            newest = hour
            duplicates.forget(hour - _TEXT_WINDOW)
            stories.forget(hour - _STORY_WINDOW)
        told: dict[str, Any] = {"article": article.article_id}
        copy = duplicates.find(article)
        duplicates.add(article, duplicate_of=copy.article_id if copy else None)
        if copy:
            told |= {"copy_of": copy.article_id, "score": copy.score, "why": copy.reason}
        elif article.event_at >= newest - _STORY_WINDOW:
            tagging = tagger.tag(article) if tagger else NO_TAGGING
            found = stories.assign(article, tagging)
            stories.add(article, tagging, found.story_id or StoryId(article.article_id + 1))
            told |= {"story": found.story_id, "score": found.score, "why": found.reasons}
        yield told


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _compare(old: Iterable[dict[str, Any]], new: Iterable[dict[str, Any]]) -> int:
    count = other = reworded = 0
    nothing: dict[str, Any] = {}
    for before, after in zip_longest(old, new, fillvalue=nothing):
        count += 1
        if not _is_same(before, after):
            other += 1
            print(f"before {before}\nafter  {after}")
        reworded += before.get("why") != after.get("why")
    print(f"{count:,} decisions, {other:,} differ; {reworded:,} are explained in other words")
    return min(other, 1)


def _is_same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    keys = ("article", "copy_of", "story")
    near = abs(before.get("score", 0.0) - after.get("score", 0.0)) <= _ROUNDING
    return near and all(before.get(key) == after.get(key) for key in keys)


if __name__ == "__main__":
    main()
