"""What the topic model sees of an article: words with film titles masked, the publisher's section, films, cues."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from core.tagging.text import Document, phrase_of, tokenize, word_set
from core.values import Salience, Tag

FILM_SECTIONS = word_set("movie movies film films")
OTHER_SECTIONS = word_set(
    "series season show episode episodes tv game games gaming manga anime comic comics sitcom album song novel musical"
    " music books tabletop"
)
FILM_MASK = "Film"
TITLE_MASK = "Quoted"
"""Masks are capitalised, tokens never are, so they cannot be mistaken for words."""

NO_FILM, MIXED_AGES = "none", "mixed"
AGE_GROUPS = {"open": "coming", "future": "coming", "last": "recent"}
"""Ages that are one to a headline's words, by the names `core.tagging.evidence` gives them."""

_QUOTED = re.compile(r"(?:(?<=\s)|^)[‘“'\"]([^‘“”\"]{2,60}?)[’”'\"](?=[\s,.:;!?)]|$)")


class Wording(NamedTuple):
    """The words of headline, summary and address, with the names of tagged films replaced by a mask."""

    title: Sequence[str]
    summary: Sequence[str]
    address: Sequence[str]


def wording_of(document: Document, films: Iterable[Tag]) -> Wording:
    """Mask what only this text can say: its films, other titles in quotation marks, numbers."""
    phrases = sorted({phrase_of(e.words) for t in films for e in t.evidence}, key=len, reverse=True)
    title = _mask_quoted(document.article.title, _masked(document, "title", phrases))
    return Wording(
        _simplified(title),
        _simplified(_masked(document, "summary", phrases)),
        _simplified(_masked(document, "url", phrases)),
    )


def word_features(wording: Wording) -> list[str]:
    """Words of title and summary (`w:`), words and pairs of the title (`t:`): all that the levels are judged by."""
    title, summary, _ = wording
    found = [f"w:{w}" for w in title]
    found += [f"w:{w}" for w in summary]
    found += [f"t:{w}" for w in title]
    found += [f"t:{a} {b}" for a, b in pairwise(["^", *title, "$"])]
    return list(dict.fromkeys(found))


def further_features(wording: Wording) -> list[str]:
    """Pairs of the summary (`s:`), words and pairs of the address (`u:`).

    An address often keeps the headline its writer gave the text first, in plainer words.
    """
    _, summary, address = wording
    found = [f"s:{a} {b}" for a, b in pairwise(summary)]
    found += [f"u:{w}" for w in address]
    found += [f"u:{a} {b}" for a, b in pairwise(["^", *address, "$"])] if address else []
    return list(dict.fromkeys(found))


def _masked(document: Document, field: str, phrases: Iterable[str]) -> str:
    """The words of a field between single spaces, with the names of tagged films replaced."""
    part = document.part(field)
    words = f" {' '.join(document.tokens[part.start : part.end])} "
    for phrase in phrases:
        words = words.replace(f" {phrase} ", f" {FILM_MASK} ")
    return words


def _simplified(words: str) -> list[str]:
    return [_simplify(w) if w[0].isdigit() else w for w in words.split()]


def _mask_quoted(title: str, words: str) -> str:
    for match in _QUOTED.finditer(title):
        phrase = phrase_of(match[1])
        words = words.replace(f" {phrase} ", f" {TITLE_MASK} ") if phrase else words
    return words


def _simplify(word: str) -> str:
    """A number becomes `#` and its length; years of this century stay themselves."""
    return word if word.startswith("20") and len(word) == 4 else f"#{len(word)}"


def category_features(document: Document) -> Iterator[str]:
    """The publisher's own section and tags, where there are any."""
    categories = document.article.categories
    if categories:
        yield f"section={categories[0].lower()}"
        yield from (f"category={c.lower()}" for c in categories[1:])


def film_features(films: Iterable[Tag], ages: Mapping[str, str]) -> Iterator[str]:
    """How many films the article is about and mentions, and how old these are (`ages`: film id to a word for it)."""
    about, mentioned = _ages_by_salience(films, ages)
    yield f"films-about={min(len(about), 2)}"
    yield f"films-mentioned={min(len(mentioned), 2)}"
    yield from (f"age:about={age}" for age in sorted(set(about)) or [NO_FILM])
    yield from (f"age:mentioned={age}" for age in sorted(set(mentioned)) or [NO_FILM])


def age_of_films(films: Iterable[Tag], ages: Mapping[str, str]) -> str:
    """One word for how old the films are that the article is about."""
    about = set(_ages_by_salience(films, ages)[0])
    return about.pop() if len(about) == 1 else MIXED_AGES if about else NO_FILM


def age_features(age: str, cues: Iterable[str], text: Iterable[str]) -> Iterator[str]:
    """Cues and words of the headline (in `text`) with the age of the film: an old film on a date is another story."""
    yield from (f"age:{age}&{cue}" for cue in cues if cue.startswith(("cue:", "block:")))
    group = AGE_GROUPS.get(age, age)
    yield from (f"old:{group}&{f}" for f in text if f.startswith("t:") and " " not in f)


def _ages_by_salience(films: Iterable[Tag], ages: Mapping[str, str]) -> tuple[Sequence[str], Sequence[str]]:
    about: list[str] = []
    mentioned: list[str] = []
    for film in films:
        (about if film.salience is Salience.ABOUT else mentioned).append(ages.get(film.ref, NO_FILM))
    return about, mentioned


def section_of(document: Document) -> str:
    """What the publisher's first category says the text is on: `film`, `other` media, `mixed`, or `none` given."""
    categories = document.article.categories
    words = set(tokenize(categories[0])) if categories else set()
    if not words:
        return "none"
    if not FILM_SECTIONS.isdisjoint(words):
        return "film"
    return "mixed" if OTHER_SECTIONS.isdisjoint(words) else "other"


def level_features(name: str, chance: float) -> Iterator[str]:
    """A chance 0-1 as steps: each step reached is a feature."""
    yield from (f"{name}>{step}" for step in range(1, 8) if chance * 8 >= step)
