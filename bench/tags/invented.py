"""Reads the invented items of `invented.tsv`: what no week of news has enough of, written by us, with its topics.

All are production news. A line is `kind of outlet, topics, title, summary`, parted by tabs; titles of films are slots,
`{coming}`, `{recent}`, `{old}`, filled from the catalogue, so that the tagger finds films of that age in them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from bench.tags.learn import NO_ADDRESS, Label
from core.values import Article, ArticleId, Film, FilmStatus, Publisher, PublisherSlug

INVENTED_ITEMS = Path(__file__).parent / "invented.tsv"
SEEN_AT = datetime(2026, 4, 15, 12, tzinfo=UTC)
_SLOT = re.compile(r"\{(\w+?)\d?\}")
_PLAIN_TITLE = re.compile(r"(?:The )?(?:[A-Z][a-z]+ ){1,3}[A-Z][a-z]+")
"""Titles of two to four plain words are found by any tagger; short ones would teach it that films are not found."""


def read_invented(path: Path, films: Sequence[Film]) -> list[Label]:
    """Labels of the items, their slots filled in the catalogue's order; the same every time."""
    shelves = {age: cycle(titles) for age, titles in _shelve(films).items()}
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_label_of(line, number, shelves) for number, line in enumerate(lines, start=1)]


def _shelve(films: Iterable[Film]) -> dict[str, list[str]]:
    shelves: dict[str, list[str]] = {"coming": [], "recent": [], "old": []}
    for film in films:
        if _PLAIN_TITLE.fullmatch(film.title) and not film.title.startswith("Untitled"):
            shelves[_age_of(film)].append(film.title)
    return shelves


def _age_of(film: Film) -> str:
    if film.status not in {FilmStatus.RELEASED, FilmStatus.UNKNOWN} or film.year is None or film.year > SEEN_AT.year:
        return "coming"
    return "recent" if film.year >= SEEN_AT.year - 1 else "old"


def _label_of(line: str, number: int, shelves: Mapping[str, Iterator[str]]) -> Label:
    kind, topics, title, summary = line.split("\t")
    titles: dict[str, str] = {}

    def fill(slot: re.Match[str]) -> str:
        if slot[0] not in titles:
            titles[slot[0]] = next(shelves[slot[1]])
        return titles[slot[0]]

    article = Article(
        article_id=ArticleId(number),
        canonical_url=NO_ADDRESS,
        url=NO_ADDRESS,
        publisher=Publisher(slug=PublisherSlug(kind), name=kind),
        title=_SLOT.sub(fill, title),
        summary=_SLOT.sub(fill, summary),
        first_seen_at=SEEN_AT,
        event_at=SEEN_AT,
    )
    return Label(
        article=article,
        is_production_news=True,
        topics=frozenset(topics.split(",")),
        about=frozenset(),
        mentions=frozenset(),
        shown_films=frozenset(),
        is_own=True,
        is_invented=True,
    )
