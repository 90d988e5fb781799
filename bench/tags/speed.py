"""Measures articles tagged per second, and seconds to build, on one core with the shared stream.

usage: python -m bench.tags.speed [--films N ...] [--articles N] [--rounds N]

Catalogues above the shared one's size are filled with made-up titles of two to four words.
"""

import argparse
import itertools
import os
import time
from collections.abc import Sequence
from itertools import islice

from bench.tags.corpus import read_films, read_stream, read_topics
from config.models import load_model
from core.tagging.tagger import Tagger
from core.values import Article, Film, FilmId
from scheduler.desk import uncollected

SYLLABLES = ("bar", "den", "gol", "hin", "jar", "kel", "lum", "mor", "nev", "pol", "quo", "ras", "sim", "tor", "vel")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, nargs="+", default=[5_000, 100_000])
    parser.add_argument("--articles", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(0, {0})
    articles = list(islice(read_stream().values(), 0, None, 5))[: options.articles]
    for count in options.films:
        measure(make_catalogue(count), articles, options.rounds)


def measure(films: Sequence[Film], articles: Sequence[Article], rounds: int) -> None:
    model, topics = load_model("tags"), read_topics()
    start = time.process_time()
    with uncollected():
        tagger = Tagger(films=films, topics=topics, model=model)
    build = time.process_time() - start
    best = min(_time_round(tagger, articles) for _ in range(rounds))
    print(f"{len(films):,} films: built in {build:.2f} s of CPU, {len(articles) / best:,.0f} articles/s", flush=True)


def _time_round(tagger: Tagger, articles: Sequence[Article]) -> float:
    start = time.process_time()
    for article in articles:
        tagger.tag(article)
    return time.process_time() - start


def make_catalogue(count: int) -> list[Film]:
    """The shared catalogue, then made-up films with people until there are `count`."""
    films = read_films()[:count]
    words = [a + b for a, b in itertools.product(SYLLABLES, repeat=2)]
    names = (" ".join(p).title() for n in (2, 3, 4) for p in itertools.product(words, repeat=n))
    fillers = (
        Film(
            film_id=FilmId(f"made-up-{n}"),
            title=title,
            year=1990 + n % 38,
            directors=(f"{words[n % 225]} {words[n % 223]}".title(),),
            cast=tuple(f"{words[(n + k) % 221]} {words[(n * k) % 219]}".title() for k in range(5)),
        )
        for n, title in enumerate(islice(names, 0, None, 7))
    )
    return [*films, *islice(fillers, count - len(films))]


if __name__ == "__main__":
    main()
