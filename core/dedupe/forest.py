"""The pair model: an ensemble of small trees of three questions each; `bench/stories/train.py` trains it."""

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

_QUESTIONS = 3
# A model's table is indexed by the first answer as the highest bit, ours by the first as the lowest.
_PLACES = [0, 4, 2, 6, 1, 5, 3, 7]


class Forest:
    """Says how probable it is that two articles report one event.

    Every tree asks whether three features exceed three thresholds; the eight possible answers index its table.
    """

    def __init__(self, model: Mapping[str, Any]) -> None:
        # By question, then by tree: the answers of all trees to one question stand side by side.
        self._features = np.array(model["features"], dtype=np.intp).T.ravel()
        self._thresholds = np.array(model["thresholds"], dtype=np.float64).T.ravel()
        table = np.array(model["values"], dtype=np.float64)
        self._values = table[:, _PLACES].ravel()
        self._offsets = np.arange(len(table), dtype=np.intp) * (1 << _QUESTIONS)
        self._bias = float(model["bias"])

    def judge(self, pairs: Sequence[Sequence[float]]) -> list[float]:
        """Give the probability, 0-1, of each row of features."""
        rows: NDArray[np.float64] = np.array(pairs, dtype=np.float64)
        answers = (rows.take(self._features, axis=1) > self._thresholds).reshape(len(rows), _QUESTIONS, -1)
        places = np.packbits(answers, axis=1, bitorder="little")[:, 0] + self._offsets
        scores = np.add.reduce(self._values.take(places), axis=1).tolist()
        return [1 / (1 + exp(-score - self._bias)) for score in scores]
