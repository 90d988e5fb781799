"""What the topic model sees of an article: word sequences with film titles masked, sections, films, cues."""

import re
from collections.abc import Iterable, Iterator

from core.tagging.text import Document, phrase_of, tokenize
from core.values import Salience, Tag

FILM_MASK = "Film"
TITLE_MASK = "Quoted"
"""Masks are capitalised, tokens never are, so they cannot be mistaken for words."""

_QUOTED = re.compile(r"(?:(?<=\s)|^)[‘“'\"]([^‘“”\"]{2,60}?)[’”'\"](?=[\s,.:;!?)]|$)")
_NUMBER = re.compile(r"\d+")


def text_features(document: Document, films: Iterable[Tag]) -> list[str]:
    """N-grams of title (1-3), summary (1-2) and slug (1-2); no feature twice."""
    tags = tuple(films)
    title = mask(document, "title", tags)
    summary = mask(document, "summary", tags)
    slug = mask(document, "url", tags)
    found = [
        *_ngrams("t", ["^", *title, "$"], 3),
        *_ngrams("s", summary, 2),
        *_ngrams("u", slug, 2),
        *(f"w:{w}" for w in {*title, *summary}),
    ]
    return list(dict.fromkeys(found))


def mask(document: Document, field: str, films: Iterable[Tag]) -> list[str]:
    """The words of a field with the names of tagged films, and other quoted titles, replaced by a mask."""
    part = next(p for p in document.parts if p.name == field)
    words = f" {' '.join(document.tokens[part.start : part.end])} "
    for phrase in _phrases_of(films):
        words = words.replace(f" {phrase} ", f" {FILM_MASK} ")
    if field == "title":
        words = _mask_quoted(document, words)
    return [_simplify(w) for w in words.split()]


def _phrases_of(films: Iterable[Tag]) -> list[str]:
    """Names as sighted, longest first."""
    return sorted({phrase_of(e.words) for t in films for e in t.evidence}, key=len, reverse=True)


def _mask_quoted(document: Document, words: str) -> str:
    for match in _QUOTED.finditer(document.article.title):
        phrase = " ".join(tokenize(match[1]))
        words = words.replace(f" {phrase} ", f" {TITLE_MASK} ") if phrase else words
    return words


def _simplify(word: str) -> str:
    """Numbers become `#` with their number of digits; recent years stay themselves."""
    return word if not word[0].isdigit() or word.startswith("20") else _NUMBER.sub(f"#{len(word)}", word)


def _ngrams(mark: str, words: list[str], longest: int) -> Iterator[str]:
    for n in range(1, longest + 1):
        for window in zip(*(words[i:] for i in range(n)), strict=False):
            yield f"{mark}:{' '.join(window)}"


def category_features(document: Document) -> list[str]:
    """The publisher's own section and tags, where there are any."""
    categories = [c.lower() for c in document.article.categories]
    return [*(f"c0={c}" for c in categories[:1]), *(f"c={c}" for c in categories[1:])]


def film_features(films: Iterable[Tag]) -> list[str]:
    """How many films the article is about and mentions."""
    saliences = [t.salience for t in films]
    about = saliences.count(Salience.ABOUT)
    return [f"films-about={min(about, 2)}", f"films-mentioned={min(len(saliences) - about, 2)}"]
