"""Cross-validates the tagging model on the dev gold, with and without publisher categories.

usage: python -m bench.tags.evaluate [--folds N] [--errors N] [--keep FOLDER]

Five folds by a hash of the URL. Everything fitted (film evidence, salience, production news, topics) is fitted on the
other folds, our own labels and the unlabelled stream without the gold's articles; floors and penalties are constants.
Scored by the shared tools/score_tags.py.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

from bench.tags.corpus import GOLD, OWN_LABELS, SHARED, read_films, read_labels, read_stream, read_topics
from bench.tags.invented import INVENTED_ITEMS, read_invented
from bench.tags.learn import Label, learn
from core.tagging.tagger import Tagger
from core.values import Article, Tagging

VARIANTS = ("with categories", "without categories")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--errors", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        cross_validate(folder, options.folds)
        for variant in VARIANTS:
            print(variant, score(folder / f"{variant}.jsonl", options.errors), sep="\n", flush=True)


def cross_validate(folder: Path, folds: int) -> None:
    """Write one answer per gold article and variant, each by a model that never saw the article's label."""
    articles = read_stream()
    gold = [label for path in GOLD for label in read_labels(path, articles, is_own=False)]
    judged = {label.article.canonical_url for label in gold}
    own = [x for x in read_labels(OWN_LABELS, articles, is_own=True) if x.article.canonical_url not in judged]
    stream = [a for url, a in articles.items() if url not in judged]
    films, topics = read_films(), read_topics()
    own += read_invented(INVENTED_ITEMS, films)
    answers: dict[str, list[dict[str, Any]]] = {variant: [] for variant in VARIANTS}
    for fold in range(folds):
        train = [x for x in gold if fold_of(x, folds) != fold]
        tagger = Tagger(films=films, topics=topics, model=learn([*train, *own], stream, films, topics))
        for variant, article in _test_articles([x for x in gold if fold_of(x, folds) == fold]):
            answers[variant].append(answer(article, tagger.tag(article)))
    for variant, rows in answers.items():
        (folder / f"{variant}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")


def fold_of(label: Label, folds: int) -> int:
    return crc32(label.article.canonical_url.encode()) % folds


def _test_articles(labels: Sequence[Label]) -> Iterator[tuple[str, Article]]:
    for label in labels:
        yield VARIANTS[0], label.article
        yield VARIANTS[1], replace(label.article, categories=())


def answer(article: Article, tagging: Tagging) -> dict[str, Any]:
    return {
        "url": article.canonical_url,
        "title": article.title,
        "production_news": tagging.is_production_news,
        "topics": [t.ref for t in tagging.topics],
        "films": [{"id": t.ref, "salience": t.salience.value} for t in tagging.films],
    }


def score(answers: Path, errors: int) -> str:
    command = [sys.executable, SHARED / "tools" / "score_tags.py", *GOLD, answers, "--errors", str(errors)]
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
