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
        self._features = np.array(model["features"], dtype=np.intp).ravel()
        self._thresholds = np.array(model["thresholds"], dtype=np.float64).ravel()
        table = np.array(model["values"], dtype=np.float64)
        self._values = table.ravel()
        self._offsets = np.arange(len(table), dtype=np.intp) * (1 << _QUESTIONS)
        self._bias = float(model["bias"])

    def judge(self, pairs: Sequence[Sequence[float]]) -> list[float]:
        """Give the probability, 0-1, of each row of features."""
        rows: NDArray[np.float64] = np.array(pairs, dtype=np.float64)
        answers = (rows[:, self._features] > self._thresholds).reshape(len(rows), -1, _QUESTIONS)
        places = answers @ np.array((4, 2, 1)) + self._offsets
        scores = self._values[places].sum(axis=1) + self._bias
        chances: list[float] = (1 / (1 + np.exp(-scores))).tolist()
        return chances
