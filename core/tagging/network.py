"""A small network beside the linear model: sees which words mean the same, and which turn each other's sense."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class Network:
    """One hidden layer over a set of features, and one judgement: each feature has a row of `width` numbers.

    `packed` has `height` (features it knows: rows 0 to `height` - 1), `rows` (a byte each, in hexadecimal, of `scale`),
    `bias` and `head` (`width` numbers each) and `offset`.
    """

    def __init__(self, packed: Mapping[str, Any]) -> None:
        self._height = int(packed["height"])
        self._bias = np.array(packed["bias"], dtype=np.float32)
        self._head = np.array(packed["head"], dtype=np.float32)
        self._offset = float(packed["offset"])
        steps = np.frombuffer(bytes.fromhex(packed["rows"]), dtype=np.int8).reshape(self._height, len(self._bias))
        self._rows = steps.astype(np.float32) * np.float32(packed["scale"])

    def judge(self, rows: Sequence[int]) -> float:
        """Sum up the features at `rows`, a chance before squashing; rows it does not know are passed over."""
        known = [r for r in rows if r < self._height]
        hidden = self._rows.take(known, axis=0).sum(axis=0) / np.float32(max(len(known), 1) ** 0.5)
        return float(np.tanh(hidden + self._bias) @ self._head) + self._offset
