"""Texts as small numbers: each text that is held has one, with the count of its holders. Judges nothing."""

from array import array
from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np


class Lexicon:
    """Texts held by articles of the window. An id is above 0; one that nobody holds any more is given again."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._texts: list[str] = [""]
        self._counts = array("I", [0])
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._ids)

    def hold(self, texts: Iterable[str]) -> "array[int]":
        """Count one more holder of each text and give their ids, in order."""
        counts, held = self._counts, array("I")
        for text in texts:
            number = self._ids.get(text) or self._make_id(text)
            counts[number] += 1
            held.append(number)
        return held

    def release(self, ids: bytes) -> None:
        """Count one holder less for each time that an id is named; `ids` are the bytes of what `hold` gave."""
        numbers, losses = np.unique(np.frombuffer(ids, np.uint32), return_counts=True)
        for number, loss in zip(numbers.tolist(), losses.tolist(), strict=True):
            self._counts[number] -= loss
            if not self._counts[number]:
                del self._ids[self._texts[number]]
                self._texts[number] = ""
                self._free.append(number)

    def count(self, texts: Iterable[str]) -> list[int]:
        """Give how many hold each text."""
        counts = self._counts
        return [counts[number] for number in self.find(texts)]

    def find(self, texts: Iterable[str]) -> list[int]:
        """Give the id of each text, 0 for one that nobody holds."""
        return list(map(self._ids.get, texts, repeat(0)))

    def read(self, ids: Iterable[int]) -> Sequence[str]:
        """Give the texts of ids, in order."""
        return tuple(map(self._texts.__getitem__, ids))

    def _make_id(self, text: str) -> int:
        if self._free:
            number = self._free.pop()
            self._texts[number] = text
        else:
            number = len(self._texts)
            self._texts.append(text)
            self._counts.append(0)
        self._ids[text] = number
        return number
