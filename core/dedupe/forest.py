"""The pair model: an ensemble of small trees of three questions each; `bench/stories/train.py` trains it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_QUESTIONS = 3


class Forest:
    """Says how probable it is that two articles report one event.

    Every tree asks whether three features exceed three thresholds; the eight possible answers index its table.
    """

    def __init__(self, model: Mapping[str, Any]) -> None:
        # By question, then by tree: the answers to one question of all trees stand side by side.
        self._features = np.array(model["features"], dtype=np.intp).T.ravel()
        self._thresholds = np.array(model["thresholds"], dtype=np.float64).T.ravel()
        table = np.array(model["values"], dtype=np.float64)
        self._values = table.ravel()
        self._offsets = np.arange(len(table), dtype=np.intp) * (1 << _QUESTIONS)
        self._starts = range(0, len(self._features), len(table))
        self._bias = float(model["bias"])

    def judge(self, pairs: Sequence[Sequence[float]]) -> list[float]:
        """Give the probability, 0-1, of each row of features."""
        rows: NDArray[np.float64] = np.array(pairs, dtype=np.float64)
        answers = (rows.take(self._features, axis=1) > self._thresholds).view(np.uint8)
        first, second, third = (answers[:, start : start + len(self._offsets)] for start in self._starts)
        places = self._offsets + (first << 2 | second << 1 | third)
        scores = self._values.take(places).sum(axis=1) + self._bias
        chances: list[float] = (1 / (1 + np.exp(-scores))).tolist()
        return chances
