"""Any number of articles in five days, made of the shared stream: many newsrooms side by side, each with its own films.

A newsroom tells five days of the stream (and some hours more) at their own hours, so that copies, stories and the time
between their reports are what they are in the stream. What tells its films apart is its own: every name, and every
word that fewer than 1 in 100 articles hold, becomes another about as rare, the same one wherever it stands; and of
the words that the stream holds once three in five are coined, so that the vocabulary grows with the articles about as
fast as the stream's does (by Heaps' law, exponent 0.44, 100,000 articles of this beat hold 46,000 words).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from random import Random
from zlib import crc32

from core.values import Article, ArticleId, Publisher

WINDOW = timedelta(days=5)
_SLICE = timedelta(days=6)
_COMMON_SHARE = 0.01
_RARE = 30
_COINED_OF_FIVE = 3
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Told:
    """An article of a newsroom, and the place in the stream of the article it is made of."""

    article: Article
    newsroom: int
    place: int


def make_traffic(articles: Sequence[Article], size: int) -> Iterator[Told]:
    """Give `size` articles of five days in the order of their events, and then those of the hours after.

    The articles are the stream's, each with its place as its id. Ids count from 1.
    """
    vocabulary = _Vocabulary(articles)
    cuts = _cut_stream(articles)
    rooms, left = list[Iterator[Told]](), size
    while left > 0:
        room = len(rooms)
        cut = cuts[room % len(cuts)]
        rooms.append(_tell(cut, room, cuts[0].start - cut.start, vocabulary.rename(room)))
        left -= cut.window_count
    stream = merge(*rooms, key=lambda told: told.article.event_at)
    for number, told in enumerate(stream, 1):
        yield replace(told, article=replace(told.article, article_id=ArticleId(number)))


@dataclass(frozen=True, slots=True)
class _Cut:
    """Six days of the stream, the first five of which hold `window_count` articles."""

    articles: Sequence[Article]
    start: datetime
    window_count: int


def _cut_stream(articles: Sequence[Article]) -> list[_Cut]:
    """Cut the stream every five days; feeds list older articles too, but few: those days make no newsroom."""
    start, end = articles[0].event_at, articles[-1].event_at
    for article in articles:
        start, end = min(start, article.event_at), max(end, article.event_at)
    start = start.replace(minute=0, second=0, microsecond=0)
    cuts = [_cut(articles, start + WINDOW * turn) for turn in range(int((end - start) / WINDOW) - 1)]
    busy = max(cut.window_count for cut in cuts) // 2
    return [cut for cut in cuts if cut.window_count >= busy]


def _cut(articles: Sequence[Article], start: datetime) -> _Cut:
    told = [a for a in articles if start <= a.event_at < start + _SLICE]
    told.sort(key=lambda article: article.event_at)
    return _Cut(told, start, sum(a.event_at < start + WINDOW for a in told))


def _tell(cut: _Cut, room: int, delay: timedelta, rename: Callable[[str], str]) -> Iterator[Told]:
    for article in cut.articles:
        scheme, _, address = article.canonical_url.partition("://")
        host, _, path = address.partition("/")
        url = f"{scheme}://n{room}.{host}/{rename(path)}"
        yield Told(
            replace(
                article,
                canonical_url=url,
                url=url,
                publisher=Publisher(slug=article.publisher.slug, name=f"{article.publisher.name} {room}"),
                title=rename(article.title),
                summary=rename(article.summary),
                categories=tuple(rename(category) for category in article.categories),
                event_at=article.event_at + delay,
                first_seen_at=article.first_seen_at + delay,
            ),
            room,
            article.article_id,
        )


class _Vocabulary:
    """The words of the stream by how many articles hold them."""

    def __init__(self, articles: Sequence[Article]) -> None:
        counts: Counter[str] = Counter()
        written: Counter[str] = Counter()
        for article in articles:
            counts.update(_words_of(article))
            written.update(_WORD.findall(article.summary))
        self._bands: dict[int, list[str]] = {}
        self._places: dict[str, tuple[int, int]] = {}
        for word in sorted(counts):
            is_name = word.isalpha() and written[word.capitalize()] > 2 * written[word]
            if is_name or counts[word] < _COMMON_SHARE * len(articles):
                self._place(word, counts[word])

    def _place(self, word: str, count: int) -> None:
        rarity = count if count < _RARE else _RARE + count.bit_length()
        kind = rarity if word.isalpha() else -len(word)
        band = self._bands.setdefault(kind, [])
        self._places[word] = (kind, len(band))
        band.append(word)

    def rename(self, room: int) -> Callable[[str], str]:
        """Give what rewrites a text for a newsroom; the first newsroom tells the stream as it is."""
        if room == 0:
            return str
        chance = Random(room)
        turns = {count: chance.randrange(len(band)) for count, band in self._bands.items()}

        def swap(found: re.Match[str]) -> str:
            word = found.group()
            place = self._places.get(word.lower())
            if place is None:
                return word
            count, index = place
            band = self._bands[count]
            other = band[(index + turns[count]) % len(band)]
            if count == 1 and crc32(other.encode()) % 5 < _COINED_OF_FIVE:
                other += _spell(room)
            return other.upper() if word.isupper() else other.title() if word[0].isupper() else other

        return lambda text: _WORD.sub(swap, text)


def _words_of(article: Article) -> set[str]:
    path = article.canonical_url.partition("://")[2].partition("/")[2]
    text = " ".join((article.title, article.summary, path, *article.categories))
    return {word.lower() for word in _WORD.findall(text)}


def _spell(number: int) -> str:
    """Write a number in syllables."""
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aiou"]
    spelt = ""
    while number:
        number, rest = divmod(number, len(syllables))
        spelt += syllables[rest]
    return spelt


def take(traffic: Iterator[Told], count: int) -> list[Told]:
    """Take the next articles off the traffic."""
    return list(islice(traffic, count))
