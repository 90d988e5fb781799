"""Draws articles to be labelled by reading, and files the answers in `labels.jsonl`.

usage: python -m bench.tags.sample draw FILE [--seed N] [--low N --doubt N --high N --rare N --other N]
       python -m bench.tags.sample file FILE ANSWERS

`draw` takes articles outside the gold and outside our labels, so many of each publisher (the trades count as one) from
each band of the shipped model's score for production news, and writes them with the films they may name. An answer is
one line of seven fields, parted by tabs: number, 1 or 0 or ?, topics, films it is about, films it mentions, debatable
topics, and films the catalogue lacks (for the reader's own use; it is not kept).
"""

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.tags.corpus import GOLD, OWN_LABELS, read_films, read_lines, read_stream, read_topics
from bench.tags.learn import NEWS_OUTLETS
from config.models import load_model
from core.tagging.films import FilmTagger
from core.tagging.model import score
from core.tagging.tagger import Tagger
from core.tagging.text import Document
from core.tagging.topics import PRODUCTION
from core.values import Article, Tagging

BANDS = {"low": 100, "doubt": 250, "high": 80, "rare": 60, "other": 15}
"""How many of each band are drawn from one publisher."""

LOW, HIGH = 0.1, 0.87
SECTIONED = NEWS_OUTLETS | {"Screen Rant", "CBR"}
RARE = frozenset({"set-video", "set-photo", "stunts", "incident", "location", "post-production", "distribution"})
SHOWN_FLOOR, SHOWN_FILMS = 0.03, 7
_ON_FILM = re.compile(r"\bmovie|film|trailer", re.IGNORECASE)
_NUMBER = re.compile(r"#(\d+) (\S+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw")
    drawing.add_argument("file", type=Path)
    drawing.add_argument("--seed", type=int, default=1)
    for band, count in BANDS.items():
        drawing.add_argument(f"--{band}", type=int, default=count)
    filing = commands.add_parser("file")
    filing.add_argument("file", type=Path)
    filing.add_argument("answers", type=Path)
    options = parser.parse_args()
    if options.command == "draw":
        drawn = draw({band: getattr(options, band) for band in BANDS}, options.seed)
        options.file.write_text("".join(show(drawn)), encoding="utf-8")
    else:
        rows = list(read_answers(options.file, options.answers))
        with OWN_LABELS.open("a", encoding="utf-8") as labels:
            labels.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        print(f"{len(rows)} labels filed")


def draw(counts: Mapping[str, int], seed: int) -> list[Article]:
    """Draw articles by band and publisher, in an order that tells the reader nothing."""
    articles = read_stream()
    done = {row["url"] for path in (*GOLD, OWN_LABELS) for row in read_lines(path)}
    done_titles = {articles[url].title.lower() for url in done if url in articles}
    tagger = Tagger(films=read_films(), topics=read_topics(), model=load_model("tags"))
    pools: dict[tuple[str, str], list[str]] = defaultdict(list)
    for url, article in articles.items():
        if url not in done and article.title.lower() not in done_titles:
            name = article.publisher.name
            pools[_band_of(article, tagger.tag(article)), name if name in SECTIONED else "trades"].append(url)
    chance = random.Random(seed)
    chosen: list[str] = []
    for (band, _), urls in sorted(pools.items()):
        urls.sort()
        chance.shuffle(urls)
        chosen += urls[: counts[band]]
    chance.shuffle(chosen)
    return [articles[url] for url in chosen]


def _band_of(article: Article, tagging: Tagging) -> str:
    if not (tagging.films or any(_ON_FILM.search(c) for c in article.categories)):
        return "other"
    if RARE & {tag.ref for tag in tagging.topics}:
        return "rare"
    return "low" if tagging.production_score < LOW else "doubt" if tagging.production_score < HIGH else "high"


def show(articles: Sequence[Article]) -> Iterator[str]:
    """Write each article as its reader sees it: no categories, no score, the films by likelihood."""
    model, films = load_model("tags"), read_films()
    tagger, by_id = FilmTagger(films, model), {f.film_id: f for f in films}
    for number, article in enumerate(articles, start=1):
        found = tagger.candidates(Document(article)).values()
        ranked = sorted(((score(c.features, model["link"]), c.film.film_id) for c in found), reverse=True)
        likely = [by_id[film_id] for chance, film_id in ranked if chance > SHOWN_FLOOR][:SHOWN_FILMS]
        people = [f"{f.film_id}={f.title}|{','.join(f.directors[:1])}|{','.join(f.cast[:2])}" for f in likely]
        yield f"#{number} {article.canonical_url} {article.publisher.name} {article.event_at:%m-%d}\n"
        yield f"  {article.title}\n  {article.summary[:420]}\n  F: {' ; '.join(people) or '-'}\n"


def read_answers(file: Path, answers: Path) -> Iterator[dict[str, Any]]:
    """Give the labels of a drawn file. Errors: `KeyError` for a number that was not drawn."""
    urls: dict[str, str] = {}
    shown: dict[str, list[str]] = {}
    number = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if found := _NUMBER.match(line):
            number = found[1]
            urls[number] = found[2]
        elif line.startswith("  F: "):
            shown[number] = [part.partition("=")[0] for part in line[5:].split(" ; ") if "=" in part]
    for line in answers.read_text(encoding="utf-8").splitlines():
        key, said, *fields = [*line.split("\t"), "", "", "", "", ""][:7]
        topics, about, mentions, ignored = (sorted(filter(None, field.split(","))) for field in fields[:4])
        yield {
            "url": urls[key],
            "production_news": said == "1",
            "topics": topics if said == "1" else [],
            "about": about,
            "mentions": mentions,
            "ignore_topics": ignored + ([PRODUCTION] if said == "?" else []),
            "ignore_films": [],
            "shown_films": sorted({*shown[key], *about, *mentions}),
        }


if __name__ == "__main__":
    main()
