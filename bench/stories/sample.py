"""Draw groups of articles to be labelled by reading, and file the answers in labels.jsonl.

usage: python -m bench.stories.sample draw GROUPS.txt [--all-sections]
       python -m bench.stories.sample file GROUPS.txt ANSWERS.txt

`draw` reads the stream with the shipped model and keeps film items (a publisher's tag says so, or the outlet gives no
tags: those feeds hold films only) of the days between the labelled windows. A group is what hangs together by pairs
the model gives at least 10 %, cut at ten articles, where a pair of it is not labelled yet. To these come pairs below
10 % and vetoed ones, drawn with a fixed seed, half of them about one film: there hide the events that the model misses.
With `--all-sections` series and games count too: groups then hang together by 20 %, and 320 are drawn.

An answer line is the group's number and a letter per article: equal letters are one event, "-" an event that nobody
else of the group tells, "?" debatable.
"""

import argparse
import json
import random
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench.stories.corpus import NO_TAGGING, OWN_LABELS, Corpus, build_tagger, hash_url, load_corpus, load_own_labels
from config.models import load_model
from core.dedupe.duplicates import DuplicateIndex
from core.dedupe.stories import StoryIndex
from core.values import Article, ArticleId, Salience, StoryId

_SEED = 20261123
_LEAST_CHANCE, _LEAST_ANY_SECTION = 0.1, 0.2
_LARGEST = 10
_DRAWN = 320
_WINDOW = timedelta(days=5)
_SUMMARY = 150


@dataclass(frozen=True, slots=True)
class Pair:
    newer: ArticleId
    older: ArticleId
    chance: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("draw", "file"))
    parser.add_argument("groups", type=Path)
    parser.add_argument("answers", type=Path, nargs="?")
    parser.add_argument("--all-sections", action="store_true", help="series and games too, not films alone")
    arguments = parser.parse_args()
    corpus = load_corpus()
    if arguments.step == "draw":
        drawn = draw_any(corpus) if arguments.all_sections else draw_groups(corpus)
        groups = list(drawn)
        arguments.groups.write_text("".join(_tell_group(n, corpus, group) for n, group in enumerate(groups)))
        print(f"{len(groups)} groups, {sum(map(len, groups))} articles -> {arguments.groups}")
    else:
        file_answers(corpus, arguments.groups, arguments.answers)


def draw_groups(corpus: Corpus) -> Iterator[list[ArticleId]]:
    """Give the groups in time order, the unlikely pairs last."""
    pairs, known = list(judge_pairs(corpus, _is_film_item)), load_own_labels(corpus)
    grouped = set[tuple[ArticleId, ArticleId]]()
    for group in _join_new(pairs, known, _LEAST_CHANCE):
        grouped |= {(a, b) for a in group for b in group}
        yield group
    rest = [p for p in pairs if (p.newer, p.older) not in known and (p.newer, p.older) not in grouped]
    yield from _draw_unlikely(corpus, [pair for pair in rest if pair.chance < _LEAST_CHANCE])


def draw_any(corpus: Corpus) -> Iterator[list[ArticleId]]:
    """Give groups of any section in time order."""
    groups = _join_new(list(judge_pairs(corpus, lambda _: True)), load_own_labels(corpus), _LEAST_ANY_SECTION)
    yield from sorted(random.Random(_SEED).sample(groups, min(_DRAWN, len(groups))))


def judge_pairs(corpus: Corpus, is_asked: Callable[[Article], bool]) -> Iterator[Pair]:
    """Give the chance, 0-1 or -1 where vetoed, of each pair of items asked for that the index would judge."""
    days = [corpus.days_of(window) for window in corpus.windows]
    texts, index = DuplicateIndex(), StoryIndex(window=_WINDOW, model=load_model("stories"))
    asked = set[ArticleId]()
    for article in corpus.articles:
        if article.article_id % 200 == 0:
            index.forget(article.event_at - _WINDOW)
        copy = texts.find(article)
        texts.add(article, duplicate_of=copy.article_id if copy else None)
        if copy or not is_asked(article):
            continue
        if not any(first.date() <= article.event_at.date() <= last.date() for first, last in days):
            asked.add(article.article_id)
            for older, chance in index.judge(article, NO_TAGGING):
                if older in asked:
                    yield Pair(article.article_id, older, chance)
        index.add(article, NO_TAGGING, StoryId(article.article_id + 1))


def _is_film_item(article: Article) -> bool:
    return not article.categories or any("movie" in c.lower() or "film" in c.lower() for c in article.categories)


def _join_new(
    pairs: Iterable[Pair], known: Container[tuple[ArticleId, ArticleId]], least: float
) -> list[list[ArticleId]]:
    """Join what is likely enough; keep the groups that hold an unlabelled pair."""
    likely = [pair for pair in pairs if pair.chance >= least]
    new = [pair for pair in likely if (pair.newer, pair.older) not in known]
    groups = _join(likely)
    return [sorted(group) for group in groups if any(p.newer in group and p.older in group for p in new)]


def _join(pairs: Iterable[Pair]) -> list[set[ArticleId]]:
    """Join the likeliest pairs first; no group grows beyond `_LARGEST`."""
    group_of: dict[ArticleId, set[ArticleId]] = {}
    for pair in sorted(pairs, key=lambda p: (-p.chance, p.newer, p.older)):
        one = group_of.setdefault(pair.newer, {pair.newer})
        two = group_of.setdefault(pair.older, {pair.older})
        if one is not two and len(one) + len(two) <= _LARGEST:
            one |= two
            group_of |= dict.fromkeys(two, one)
    groups = {min(group): group for group in group_of.values() if len(group) > 1}
    return [groups[first] for first in sorted(groups)]


def _draw_unlikely(corpus: Corpus, pairs: list[Pair]) -> Iterator[list[ArticleId]]:
    tagger, chance = build_tagger(), random.Random(_SEED)
    about = {
        i: {t.ref for t in tagger.tag(corpus.articles[i]).films if t.salience is Salience.ABOUT}
        for i in sorted({p.newer for p in pairs} | {p.older for p in pairs})
    }
    same_film = [pair for pair in pairs if about[pair.newer] & about[pair.older]]
    other = [pair for pair in pairs if not about[pair.newer] & about[pair.older]]
    for kind in (same_film, other):
        drawn = chance.sample(kind, min(_DRAWN // 2, len(kind)))
        yield from ([p.older, p.newer] for p in sorted(drawn, key=lambda p: p.newer))


def _tell_group(number: int, corpus: Corpus, group: list[ArticleId]) -> str:
    items = [corpus.articles[i] for i in group]
    hashes = " ".join(hash_url(item.url) for item in items)
    return f"#{number} {hashes}\n" + "".join(map(_tell_article, "abcdefghij", items))


def _tell_article(letter: str, article: Article) -> str:
    slug = article.url.rstrip("/").rsplit("/", 1)[-1]
    summary = " ".join(article.summary.split())[:_SUMMARY]
    return f"{letter} {article.publisher.name[:6]} {article.event_at:%m-%d %H} {article.title} | {summary} | {slug}\n"


def file_answers(corpus: Corpus, groups: Path, answers: Path) -> None:
    """Append the answers to labels.jsonl. Errors: `ValueError` for an answer that does not fit its group."""
    heads = [line.split() for line in groups.read_text().splitlines() if line.startswith("#")]
    items = {number[1:]: hashes for number, *hashes in heads}
    lines = []
    for line in answers.read_text().splitlines():
        number, letters = line.split()
        if len(letters) != len(items[number]):
            message = (
                f"{answers}: group {number} has {len(items[number])} articles, the answer {letters!r} {len(letters)}"
            )
            raise ValueError(message)
        lines.append(json.dumps({"items": items[number], "groups": letters}) + "\n")
    with OWN_LABELS.open("a") as labels:
        labels.writelines(lines)
    print(f"{len(lines)} groups filed, {len(load_own_labels(corpus))} pairs labelled")


if __name__ == "__main__":
    main()
