"""A table of keys that stays small: the last keys in a dict, all others in two sorted arrays. Judges nothing."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
# A dict costs some 80 bytes a key, the arrays 16; sorting the dict's keys in when they are one in eight keeps the dict
# small and the sorting at less than a microsecond a key.
_LEAST_RECENT = 8192
_RECENT_SHARE = 8


class KeyTable:
    """What each key was last put to: 60-bit keys to numbers from 0 to 2^63. Not safe for two threads at once."""

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        self._keys: Numbers = np.empty(0, dtype=np.int64)
        self._numbers: Numbers = np.empty(0, dtype=np.int64)

    def find(self, keys: Sequence[int]) -> dict[int, int]:
        """Give the numbers of those of the keys that the table holds."""
        recent = self._recent
        return self._find_settled(keys) | {key: recent[key] for key in keys if key in recent}

    def put(self, keys: Iterable[int], number: int) -> None:
        """Put the keys to the number, whatever they were put to before."""
        recent = self._recent
        for key in keys:
            recent[key] = number

    def settle(self, is_kept: Callable[[Numbers], NDArray[np.bool_]]) -> None:
        """Sort the recent keys in, when they are many, and drop those whose number is not kept."""
        if len(self._recent) < max(_LEAST_RECENT, len(self._keys) // _RECENT_SHARE):
            return
        count = len(self._recent)
        keys = np.concatenate((self._keys, np.fromiter(self._recent.keys(), np.int64, count)))
        numbers = np.concatenate((self._numbers, np.fromiter(self._recent.values(), np.int64, count)))
        self._recent = {}
        order = np.argsort(keys, kind="stable")
        keys, numbers = keys[order], numbers[order]
        is_last = np.append(keys[1:] != keys[:-1], [True] * min(len(keys), 1))
        kept = is_last & is_kept(numbers)
        self._keys, self._numbers = keys[kept], numbers[kept]

    def _find_settled(self, keys: Sequence[int]) -> dict[int, int]:
        if not len(self._keys):
            return {}
        places = self._keys.searchsorted(np.array(keys, dtype=np.int64))
        near = self._keys.take(places, mode="clip").tolist()
        return {
            key: int(self._numbers[place]) for key, other, place in zip(keys, near, places, strict=True) if key == other
        }
