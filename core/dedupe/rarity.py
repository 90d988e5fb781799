"""How rare a word is: common speech of the trade from a table, the talk of these days counted on the way."""

from collections.abc import Mapping, Sequence
from math import log

from core.dedupe.lexicon import Lexicon

# The table weighs as much as this many articles of the window, about two days of a dozen film outlets.
_TABLE_WEIGHT = 3000


class Rarity:
    """Document frequencies of the window on top of a background table of shares (word → share of all articles).

    The window's are those of the lexicon that its articles hold their words in.
    """

    def __init__(self, background: Mapping[str, float], lexicon: Lexicon) -> None:
        self._background = {word: share * _TABLE_WEIGHT for word, share in background.items()}
        self._lexicon = lexicon

    def weigh(self, words: Sequence[str], article_count: int) -> list[float]:
        """Give the weight of each word in order, 0 (in every article) to 1 (never seen), in a window of so many."""
        common, scale = self._background.get, log(_TABLE_WEIGHT + article_count + 1)
        counts = self._lexicon.count(words)
        return [1 - log(common(word, 0.0) + count + 1) / scale for word, count in zip(words, counts, strict=True)]
