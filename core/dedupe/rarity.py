"""How rare a word is: common speech of the trade from a table, the talk of these days counted on the way."""

from collections.abc import Iterable, Mapping
from math import log

# The table weighs as much as this many articles of the window, about two days of a dozen film outlets.
_TABLE_WEIGHT = 3000


class Rarity:
    """Document frequencies of the window on top of a background table of shares (word → share of all articles)."""

    def __init__(self, background: Mapping[str, float]) -> None:
        self._background = background
        self._counts: dict[str, int] = {}
        self._total = _TABLE_WEIGHT

    def weigh(self, words: Iterable[str]) -> list[float]:
        """Give the weight of each word in order, 0 (in every article) to 1 (never seen)."""
        counts, background, scale = self._counts, self._background, log(self._total + 1)
        return [1 - log(background.get(word, 0.0) * _TABLE_WEIGHT + counts.get(word, 0) + 1) / scale for word in words]

    def count(self, words: Iterable[str]) -> None:
        """Count one more article that holds the words, each named once."""
        self._total += 1
        for word in words:
            self._counts[word] = self._counts.get(word, 0) + 1

    def discount(self, words: Iterable[str]) -> None:
        """Take back what `count` did for an article."""
        self._total -= 1
        for word in words:
            left = self._counts.get(word, 0) - 1
            if left > 0:
                self._counts[word] = left
            else:
                self._counts.pop(word, None)
