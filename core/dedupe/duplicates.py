"""Same text again? Exact keys first, then a MinHash signature whose matches are read once more before they count.

Precision leads: a missed copy still joins its story, a wrong one hides an article for good.
"""

from array import array
from collections.abc import Iterator, Sequence
from datetime import datetime
from struct import Struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.dedupe.fingerprints import (
    SIGNATURE_LENGTH,
    estimate_jaccard,
    fold_outlet,
    make_band_key,
    make_key,
    read_slug,
    sign_words,
    split_field,
    split_signature,
    split_words,
)
from core.dedupe.keys import KeyTable, Numbers
from core.values import Article, ArticleId, Duplicate

# A full text of fewer words is a teaser: it is judged with the headline instead.
_TEXT_WORDS = 60
# Fewer words of headline and summary than this name too little to be told from a template of the outlet.
_BRIEF_WORDS = 12
_TITLE_WORDS = 4
_SUMMARY_WORDS = 8
_SLUG_WORDS = 4
_NEAR_TEXT = 0.75
_NEAR_BRIEF = 0.8
# 4 bands of 3 rows find a pair of Jaccard 0.8 with probability 0.94 and one of 0.9 with 0.995.
_BAND_COUNT = 4
_BAND_ROWS = 3


# A recurring column ("Weekend Box Office") keeps its headline and even its summary: beyond these seconds, a key that
# holds only such words says nothing.
_COLUMN_PAUSE = 6 * 86400
_LONG_TITLE_WORDS = 7
_LONG_TITLE_PAUSE = 3 * 86400
_SHORT_TITLE_PAUSE = 20 * 3600
_FOR_EVER = 1 << 40


# A number in the table of keys: that of a shelf, and in its last bits the place on the shelf.
_PLACE_BITS = 32
_RECORD = Struct("<qq?B")


class _Key(NamedTuple):
    """An exact key, what it says when it is met again, and for how many seconds it says so."""

    value: int
    reason: str
    pause: int = _FOR_EVER


class _Known(NamedTuple):
    """What is kept of an article: enough to read a near match once more."""

    article_id: ArticleId
    at: int
    has_text: bool
    signature: bytes
    title: str


class _Reading(NamedTuple):
    """An article as this index sees it, made once for `find` and `add`."""

    exact: tuple[_Key, ...]
    bands: tuple[int, ...]
    keys: tuple[int, ...]
    signature: bytes
    at: int
    title: str
    has_text: bool


class DuplicateIndex:
    """The texts of the last days. Not safe for use by two threads at once.

    Articles are packed and stand on one shelf for each hour of their events: a forgotten hour is a shelf thrown away.
    """

    def __init__(self) -> None:
        self._table = KeyTable()
        self._shelves: dict[int, list[bytes]] = {}
        self._shelf_of_hour: dict[int, int] = {}
        self._shelf_count = 0
        self._count = 0
        self._last: tuple[Article, _Reading] | None = None

    def __len__(self) -> int:
        return self._count

    def find(self, article: Article) -> Duplicate | None:
        """Find the article that is this text already; None when the text is new.

        An article that was itself added as a copy is answered by its original.
        """
        reading = self._read(article)
        numbers = self._table.find(reading.keys)
        if not numbers:
            return None
        for key in reading.exact:
            known = self._look_up(numbers.get(key.value))
            if known is not None and abs(reading.at - known.at) <= key.pause:
                return Duplicate(article_id=known.article_id, score=1.0, reason=key.reason)
        return self._find_near(reading, numbers)

    def add(self, article: Article, *, duplicate_of: ArticleId | None = None) -> None:
        """Remember the article's text; `duplicate_of` makes its keys point at the original instead."""
        reading = self._read(article)
        article_id = article.article_id if duplicate_of is None else duplicate_of
        shelf_number = self._shelf_number(_hour(article.event_at))
        shelf = self._shelves[shelf_number]
        shelf.append(_pack(_Known(article_id, reading.at, reading.has_text, reading.signature, reading.title)))
        self._table.put(reading.keys, shelf_number << _PLACE_BITS | len(shelf) - 1)
        self._table.settle(self._are_known)
        self._count += 1

    def forget(self, before: datetime) -> None:
        """Drop the articles of whole hours before `before`."""
        limit = _hour(before)
        for hour in [h for h in self._shelf_of_hour if h < limit]:
            self._count -= len(self._shelves.pop(self._shelf_of_hour.pop(hour)))

    def _shelf_number(self, hour: int) -> int:
        """Give the hour's shelf; the number of a shelf is never given again, so keys of a lost shelf lead nowhere."""
        number = self._shelf_of_hour.get(hour)
        if number is None:
            number = self._shelf_of_hour[hour] = self._shelf_count
            self._shelves[number] = []
            self._shelf_count += 1
        return number

    def _look_up(self, number: int | None) -> _Known | None:
        if number is None:
            return None
        shelf = self._shelves.get(number >> _PLACE_BITS)
        return _unpack(shelf[number & (1 << _PLACE_BITS) - 1]) if shelf else None

    def _are_known(self, numbers: Numbers) -> NDArray[np.bool_]:
        return np.isin(numbers >> _PLACE_BITS, list(self._shelves))

    def _read(self, article: Article) -> _Reading:
        if self._last is None or self._last[0] is not article:
            self._last = (article, _read_article(article))
        return self._last[1]

    def _find_near(self, reading: _Reading, numbers: dict[int, int]) -> Duplicate | None:
        for number in dict.fromkeys(numbers[band] for band in reading.bands if band in numbers):
            known = self._look_up(number)
            score = _compare(reading, known) if known else None
            if known and score is not None:
                what = "text" if reading.has_text else "headline and summary"
                return Duplicate(article_id=known.article_id, score=score, reason=f"nearly the same {what}")
        return None


def _hour(at: datetime) -> int:
    return int(at.timestamp()) // 3600


def _pack(known: _Known) -> bytes:
    head = _RECORD.pack(known.article_id, known.at, known.has_text, len(known.signature))
    return head + known.signature + known.title.encode("utf-8", "surrogatepass")


def _unpack(record: bytes) -> _Known:
    article_id, at, has_text, length = _RECORD.unpack_from(record)
    signature = record[_RECORD.size : _RECORD.size + length]
    title = record[_RECORD.size + length :].decode("utf-8", "surrogatepass")
    return _Known(ArticleId(article_id), at, has_text, signature, title)


def _read_article(article: Article) -> _Reading:
    title, signed = split_signature(article.title)
    outlet = fold_outlet(article.publisher.name)
    text_words = split_words(article.text) if len(article.text) > _TEXT_WORDS * 3 else []
    has_text = len(text_words) >= _TEXT_WORDS
    title_words = split_field(title)
    summary_words = split_field(article.summary)
    signature = _sign(title_words, summary_words, text_words if has_text else [])
    exact = tuple(_exact_keys(article, outlet, fold_outlet(signed), title_words, summary_words))
    if has_text:
        exact = (*exact, _Key(make_key("text", *text_words), "same text"))
    bands = tuple(_bands(signature, "text" if has_text else "brief"))
    return _Reading(
        exact=exact,
        bands=bands,
        keys=(*[key.value for key in exact], *bands),
        signature=signature,
        at=int(article.event_at.timestamp()),
        title=" ".join(title_words) if signature else "",
        has_text=has_text,
    )


def _exact_keys(
    article: Article, outlet: str, signed: str, title_words: Sequence[str], summary: Sequence[str]
) -> Iterator[_Key]:
    yield _Key(make_key("url", article.canonical_url), "same address")
    # "Column — Part A" of the outlet itself is no signature: the whole headline counts.
    own_words = title_words if signed in ("", outlet) else split_field(article.title)
    if len(own_words) < _TITLE_WORDS:
        return
    title = " ".join(own_words)
    if len(summary) >= _SUMMARY_WORDS:
        yield _Key(make_key("title+summary", title, *summary), "same headline and summary", _COLUMN_PAUSE)
        slug = read_slug(article.canonical_url)
        if len(slug) >= _SLUG_WORDS:
            key = make_key("slug+summary", outlet, " ".join(slug), *summary)
            yield _Key(key, "same address words and summary", _COLUMN_PAUSE)
    pause = _LONG_TITLE_PAUSE if len(title_words) >= _LONG_TITLE_WORDS else _SHORT_TITLE_PAUSE
    yield _Key(make_key("title", outlet, title), "same headline of the same outlet", pause)
    if signed and signed != outlet and len(title_words) >= _TITLE_WORDS:
        key = make_key("title", signed, " ".join(title_words))
        yield _Key(key, "the headline of the outlet that signs it", pause)


def _sign(title: Sequence[str], summary: Sequence[str], text: Sequence[str]) -> bytes:
    if text:
        return array("I", sign_words(text, shingle_length=3)).tobytes()
    words = [*title, *summary]
    is_telling = len(words) >= _BRIEF_WORDS and title and summary
    return array("I", sign_words(words, shingle_length=2)).tobytes() if is_telling else b""


def _bands(signature: bytes, kind: str) -> Iterator[int]:
    size = _BAND_ROWS * len(signature) // SIGNATURE_LENGTH
    for band in range(_BAND_COUNT if signature else 0):
        yield make_band_key(kind, band, signature[band * size : (band + 1) * size])


def _compare(reading: _Reading, known: _Known) -> float | None:
    """Give the similarity of two texts that share a band, None if they are not one text."""
    if reading.has_text is not known.has_text or not known.signature:
        return None
    score = estimate_jaccard(array("I", reading.signature), array("I", known.signature))
    if reading.has_text:
        return score if score >= _NEAR_TEXT and _same_figures(reading.title, known.title) else None
    return score if score >= _NEAR_BRIEF and _is_edit(reading, known) else None


def _same_figures(one: str, other: str) -> bool:
    return {w for w in one.split() if w.isdigit()} == {w for w in other.split() if w.isdigit()}


def _is_edit(reading: _Reading, known: _Known) -> bool:
    """Tell an edited headline (words added or cut) from a template refilled (words swapped on both sides)."""
    mine, theirs = set(reading.title.split()), set(known.title.split())
    is_swap = bool(mine - theirs) and bool(theirs - mine)
    return not is_swap and _same_figures(reading.title, known.title)
