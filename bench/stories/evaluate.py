"""Judge duplicates and stories on the labelled windows, online, over the whole stream.

usage: python -m bench.stories.evaluate [--folds DIR] [--tagger] [--out OUT.jsonl] [--errors N]

Every item of the stream passes DuplicateIndex and StoryIndex in arrival order, one decision each. With `--folds DIR`
each window is judged by DIR/without_WINDOW.json.gz (see `train.py --without`), else all by the shipped model, which
has seen the windows' labels: then the figures flatter.
"""

import argparse
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

from bench.stories.corpus import NO_TAGGING, WINDOWS, Corpus, load_corpus, week_before
from bench.stories.train import tag_all
from config.models import load_model
from core.dedupe.duplicates import DuplicateIndex
from core.dedupe.stories import StoryIndex
from core.values import Article, ArticleId, StoryId, Tagging

_WINDOW = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Tally:
    """Pairs rightly together, wrongly together, wrongly apart."""

    right: int
    merged: int
    apart: int

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.right + other.right, self.merged + other.merged, self.apart + other.apart)

    def __str__(self) -> str:
        precision = self.right / max(1, self.right + self.merged)
        recall = self.right / max(1, self.right + self.apart)
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        counts = f"{self.right} right, {self.merged} merged, {self.apart} apart"
        return f"P {precision:.3f}  R {recall:.3f}  F1 {f1:.3f}  ({counts})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=Path)
    parser.add_argument("--tagger", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--errors", type=int, default=0)
    arguments = parser.parse_args()
    corpus = load_corpus()
    taggings = tag_all(corpus.articles) if arguments.tagger else [NO_TAGGING] * len(corpus.articles)
    pooled, answers = Tally(0, 0, 0), dict[ArticleId, StoryId]()
    for window in WINDOWS:
        found = run_window(corpus, taggings, window, _read_model(arguments.folds, window))
        tally = count_pairs(corpus.windows[window], found)
        print(f"{window:5} {tally}")
        pooled, answers = pooled + tally, answers | found
        for line in list(_tell_errors(corpus, window, found))[: arguments.errors]:
            print(line)
    print(f"all   {pooled}")
    if arguments.out:
        _write_answers(corpus, answers, arguments.out)


def run_window(
    corpus: Corpus, taggings: Sequence[Tagging], window: str, model: Mapping[str, Any]
) -> dict[ArticleId, StoryId]:
    """Read the stream from a week before the window to its end; give the story of each labelled article."""
    first, last = corpus.days_of(window)
    read = [a for a in corpus.articles if week_before(first) <= a.event_at <= last]
    stories = run_stream(read, taggings, model)
    return {i: stories[i] for i in corpus.windows[window]}


def run_stream(
    articles: Sequence[Article], taggings: Sequence[Tagging], model: Mapping[str, Any]
) -> dict[ArticleId, StoryId]:
    """Decide as the desk does: a copy takes the story of its original, the rest is assigned, late joins are made.

    Give the story in which each article is in the end.
    """
    duplicates, index = DuplicateIndex(), StoryIndex(window=_WINDOW, model=model)
    story_of: dict[ArticleId, StoryId] = {}
    joined: dict[StoryId, StoryId] = {}
    for number, article in enumerate(articles):
        if number % 200 == 0:
            index.forget(article.event_at - _WINDOW)
        copy = duplicates.find(article)
        duplicates.add(article, duplicate_of=copy.article_id if copy else None)
        if copy:
            story_of[article.article_id] = story_of[copy.article_id]
            continue
        tagging = taggings[article.article_id]
        assignment = index.assign(article, tagging)
        story_id = assignment.story_id or StoryId(article.article_id + 1)
        index.add(article, tagging, story_id)
        story_of[article.article_id] = story_id
        for other in assignment.also:
            _join(joined, story_id, other.story_id)
    return {article_id: joined.get(story_id, story_id) for article_id, story_id in story_of.items()}


def _join(joined: dict[StoryId, StoryId], one: StoryId, other: StoryId | None) -> None:
    kept, gone = sorted(joined.get(story_id, story_id) for story_id in (one, other) if story_id is not None)
    if kept != gone:
        joined.update(dict.fromkeys([gone, *(key for key, value in joined.items() if value == gone)], kept))


def count_pairs(gold: Mapping[ArticleId, str], found: Mapping[ArticleId, StoryId]) -> Tally:
    """Count the pairs of a window."""
    right = _pair_count(Counter((gold[i], found[i]) for i in gold))
    together = _pair_count(Counter(found[i] for i in gold))
    return Tally(right, together - right, _pair_count(Counter(gold.values())) - right)


def _pair_count(sizes: Counter[Any]) -> int:
    return sum(n * (n - 1) // 2 for n in sizes.values())


def _read_model(folds: Path | None, window: str) -> dict[str, Any]:
    if folds is None:
        return load_model("stories")
    with gzip.open(folds / f"without_{window}.json.gz", "rt", encoding="utf-8") as file:
        return dict(json.load(file))


def _tell_errors(corpus: Corpus, window: str, found: Mapping[ArticleId, StoryId]) -> Iterator[str]:
    gold = corpus.windows[window]
    for kind, groups in (("merged", found), ("apart", gold)):
        members: dict[Any, list[ArticleId]] = defaultdict(list)
        for i in sorted(gold):
            members[groups[i]].append(i)
        for group in members.values():
            for a, b in combinations(group, 2):
                if (gold[a] == gold[b]) != (found[a] == found[b]):
                    yield f"  {kind}: {corpus.articles[a].title[:90]} | {corpus.articles[b].title[:90]}"


def _write_answers(corpus: Corpus, answers: Mapping[ArticleId, StoryId], path: Path) -> None:
    with path.open("w", encoding="utf-8") as out:
        for i, story_id in answers.items():
            article = corpus.articles[i]
            out.write(json.dumps({"url": article.url, "story": str(story_id), "title": article.title}) + "\n")


if __name__ == "__main__":
    main()
