"""Train the pair model of `core.dedupe` and write config/models/stories.json.gz.

usage: python -m bench.stories.train [--without WINDOW] [OUT.json.gz]

Needs lightgbm (no dependency of the project). `--without` leaves a window out, its labels, its days' word counts and
our own labels of a day before and after, so that it can be judged fairly. Examples: pairs of the labelled windows and
pairs labelled by ourselves, as the index itself proposes them while it reads the stream; each once with the tagger's
word and once without, since an operator's catalogue need not hold the film.
"""

import argparse
import gzip
import importlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import inf, log
from pathlib import Path
from typing import Any

import numpy as np

from bench.stories.corpus import NO_TAGGING, WINDOWS, Corpus, build_tagger, load_corpus, load_own_labels
from core.dedupe.kinds import KIND_NAMES, name_kinds
from core.dedupe.pairs import FEATURES
from core.dedupe.profiles import read_profile
from core.dedupe.stories import StoryIndex
from core.values import Article, ArticleId, StoryId, Tagging

_OUT = Path("config/models/stories.json.gz")
_COMMON = 30
_MARGIN = timedelta(days=1)
_SEEDS = 2
_TREES: dict[str, Any] = {
    "n_estimators": 300,
    "learning_rate": 0.1,
    "num_leaves": 4,
    "extra_trees": True,
    "min_child_samples": 20,
    "subsample": 0.8,
    "subsample_freq": 1,
    "colsample_bytree": 0.5,
    "reg_lambda": 5,
    "monotone_constraints": [],
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
    "n_jobs": 1,
}
# What can only speak for one event, and what only against; the rest the trees find out.
_FOR = {"cos_words", "contained", "cos_head", "cos_slug", "slug_told_max", "title_told_max", "names_cos", "event_cos"}
_FOR |= {"event_head_cos", "kinds_cos", "all_kinds_cos", "films_shared"}
_AGAINST = {"hours", "same_outlet", "not_news", "odd_event_min", "ordinals_clash", "films_clash"}
_AGAINST |= {"names_swapped", "casting_swapped"}


@dataclass(frozen=True, slots=True)
class Examples:
    rows: list[list[float]]
    labels: list[bool]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=_OUT)
    parser.add_argument("--without", choices=WINDOWS)
    arguments = parser.parse_args()
    corpus = load_corpus()
    tables = count_words(corpus, without=arguments.without)
    examples = Examples([], [])
    for taggings in (tag_all(corpus.articles), [NO_TAGGING] * len(corpus.articles)):
        gather_examples(corpus, taggings, tables, examples, without=arguments.without)
    model = fit(examples) | tables
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_model(model, arguments.out)
    print(f"{len(examples.rows)} pairs, {sum(examples.labels)} of one event -> {arguments.out}")


def tag_all(articles: Iterable[Article]) -> list[Tagging]:
    tagger = build_tagger()
    return [tagger.tag(article) for article in articles]


def count_words(corpus: Corpus, *, without: str | None) -> dict[str, Any]:
    """Count the shares of common words and the rarity of kinds over the stream's other days."""
    first, last = corpus.days_of(without) if without else (None, None)
    words: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    total = 0
    for article in corpus.articles:
        if first and last and first <= article.event_at <= last:
            continue
        profile = read_profile(article, NO_TAGGING)
        words.update(profile.words)
        kinds.update(name_kinds(profile.all_kinds))
        total += 1
    return {
        "background": {word: round(n / total, 5) for word, n in sorted(words.items()) if n >= _COMMON},
        "kinds": {kind: round(1 - log(kinds[kind] / total * 3000 + 1) / log(3001), 3) for kind in KIND_NAMES},
    }


def gather_examples(
    corpus: Corpus, taggings: list[Tagging], tables: dict[str, Any], examples: Examples, *, without: str | None
) -> None:
    """Let an index read the stream and add the labelled pairs among those it would judge to `examples`."""
    story_of = {i: (w, s) for w, stories in corpus.windows.items() if w != without for i, s in stories.items()}
    own = {pair: label for pair, label in load_own_labels(corpus).items() if not _is_near(corpus, pair, without)}
    asked = story_of.keys() | {newer for newer, _ in own}
    blank = {"features": [[0, 0, 0]], "thresholds": [[0, 0, 0]], "values": [[0] * 8], "bias": 0}
    index = StoryIndex(window=timedelta(days=5), model=blank | tables)
    for article, tagging in zip(corpus.articles, taggings, strict=True):
        if article.article_id % 200 == 0:
            index.forget(article.event_at - timedelta(days=5))
        if article.article_id in asked:
            for other, row in index.measure(article, tagging):
                label = _label(article.article_id, other, story_of, own)
                if label is not None:
                    examples.rows.append(row)
                    examples.labels.append(label)
        index.add(article, tagging, StoryId(article.article_id))


def _is_near(corpus: Corpus, pair: Iterable[ArticleId], window: str | None) -> bool:
    if window is None:
        return False
    first, last = corpus.days_of(window)
    return any(first - _MARGIN <= corpus.articles[i].event_at <= last + _MARGIN for i in pair)


def _label(
    newer: ArticleId,
    older: ArticleId,
    story_of: dict[ArticleId, tuple[str, str]],
    own: dict[tuple[ArticleId, ArticleId], bool],
) -> bool | None:
    one, other = story_of.get(newer), story_of.get(older)
    if one and other:
        return one == other
    return own.get((newer, older))


def fit(examples: Examples) -> dict[str, Any]:
    """Fit small trees and write each as three questions and a table of eight answers."""
    lightgbm = importlib.import_module("lightgbm")
    bounds = [int(name in _FOR) - int(name in _AGAINST) for name in FEATURES]
    rows, labels = np.array(examples.rows), np.array(examples.labels)
    trees: list[tuple[list[int], list[float], list[float]]] = []
    for seed in range(_SEEDS):
        forest = lightgbm.LGBMClassifier(**(_TREES | {"monotone_constraints": bounds}), random_state=seed)
        forest.fit(rows, labels)
        dumped = forest.booster_.dump_model()["tree_info"]
        trees += [_tabulate(tree["tree_structure"]) for tree in dumped]
    return {
        "features": [features for features, _, _ in trees],
        "thresholds": [[_finite(t) for t in thresholds] for _, thresholds, _ in trees],
        "values": [[round(value / _SEEDS, 6) for value in values] for _, _, values in trees],
        "bias": 0.0,
    }


def _finite(threshold: float) -> float:
    return 1e30 if threshold == inf else float(f"{threshold:.7g}")


def _tabulate(root: dict[str, Any]) -> tuple[list[int], list[float], list[float]]:
    nodes = list(_inner_nodes(root))
    features = [node["split_feature"] for node in nodes] + [0] * (3 - len(nodes))
    thresholds = [node["threshold"] for node in nodes] + [inf] * (3 - len(nodes))
    answers = [[bool(place & bit) for bit in (4, 2, 1)] for place in range(8)]
    return features, thresholds, [_walk(root, nodes, answer) for answer in answers]


def _inner_nodes(node: dict[str, Any]) -> Iterable[dict[str, Any]]:
    if "split_feature" in node:
        yield node
        yield from _inner_nodes(node["left_child"])
        yield from _inner_nodes(node["right_child"])


def _walk(node: dict[str, Any], nodes: list[dict[str, Any]], answers: list[bool]) -> float:
    while "split_feature" in node:
        node = node["right_child"] if answers[nodes.index(node)] else node["left_child"]
    return float(node["leaf_value"])


def write_model(model: dict[str, Any], path: Path) -> None:
    text = json.dumps(model, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, mtime=0))


if __name__ == "__main__":
    main()
