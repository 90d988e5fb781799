"""Which articles hold a word: a row of the latest of them for each word, searched for many words at once."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

# How many articles a word remembers (the latest): it keeps the cost of a search flat as the window grows.
_ROW_LENGTH = 48
_LEAST_CAPACITY = 1024


class Postings:
    """Rows of articles' places (above 0) by the ids of words, the latest last; 0 stands before a row's first."""

    def __init__(self) -> None:
        self._rows: NDArray[np.uint32] = np.zeros((_LEAST_CAPACITY, _ROW_LENGTH), np.uint32)
        self._evidence: NDArray[np.int64] = np.zeros(_LEAST_CAPACITY, np.int64)

    def add(self, words: Sequence[int], place: int) -> None:
        """Note that the article at `place`, newer than any other, holds the words."""
        if not words:
            return
        self._reserve(max(words), place)
        ids = np.array(words)
        rows = self._rows.take(ids, axis=0)
        rows[:, :-1] = rows[:, 1:]
        rows[:, -1] = place
        self._rows[ids] = rows

    def search(self, words: Iterable[tuple[int, int]], least: float) -> Iterable[tuple[int, int]]:
        """Give the places whose words bring at least so much evidence, and how much; the most first.

        `words` are ids, 0 for unknown ones, and what each is evidence of. Among equals the order is that of the
        words, then of age.
        """
        count = len(self._rows)
        known = [(number, evidence) for number, evidence in words if 0 < number < count]
        if not known:
            return []
        ids, evidence = zip(*known, strict=True)
        places = self._rows.take(ids, axis=0).ravel()
        totals = self._evidence
        np.add.at(totals, places, np.repeat(np.array(evidence, np.int64), _ROW_LENGTH))
        totals[0] = 0
        found = totals[places]
        totals[places] = 0
        enough = found >= least
        told = dict(zip(places[enough].tolist(), found[enough].tolist(), strict=True))
        return sorted(told.items(), key=itemgetter(1), reverse=True)

    def remove(self, words: bytes, places: Sequence[int]) -> None:
        """Forget the places, whose words have the ids that `words` holds in four bytes each."""
        ids = np.unique(np.frombuffer(words, np.uint32))
        ids = ids[ids < len(self._rows)]
        is_lost = np.zeros(len(self._evidence), np.bool_)
        is_lost[places] = True
        rows = self._rows[ids]
        rows[is_lost[rows]] = 0
        is_held = rows > 0
        holed = (is_held[:, :-1] & ~is_held[:, 1:]).any(axis=1)
        order = np.argsort(is_held[holed], axis=1, kind="stable")
        rows[holed] = np.take_along_axis(rows[holed], order, axis=1)
        self._rows[ids] = rows

    def _reserve(self, word: int, place: int) -> None:
        """Make room. Fresh pages of zeros cost no memory until they are written."""
        while word >= len(self._rows):
            self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)))
        while place >= len(self._evidence):
            self._evidence = np.zeros(2 * len(self._evidence), np.int64)
