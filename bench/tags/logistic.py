"""Logistic regression over sets of binary features, in numpy; draws no random numbers."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

MEMORY = 8
"""Steps L-BFGS remembers."""


@dataclass(frozen=True)
class Rows:
    """Feature sets as one flat list of column numbers; row n is `columns[starts[n]:starts[n + 1]]`."""

    columns: Indices
    starts: Indices
    width: int

    @property
    def lengths(self) -> Indices:
        return np.diff(self.starts)

    def dot(self, weights: Array) -> Array:
        sums = np.concatenate(([0.0], np.cumsum(weights[self.columns])))
        return np.asarray(sums[self.starts[1:]] - sums[self.starts[:-1]])

    def spread(self, values: Array) -> Array:
        sums = np.bincount(self.columns, weights=np.repeat(values, self.lengths), minlength=self.width)
        return np.asarray(sums, dtype=np.float64)


def vocabulary(rows: Iterable[Iterable[str]], *, min_rows: int) -> dict[str, int]:
    """Number the features that stand in at least `min_rows` rows, in order of first appearance."""
    counts = Counter(f for row in rows for f in row)
    return {f: n for n, f in enumerate(f for f, c in counts.items() if c >= min_rows)}


def encode(rows: Sequence[Iterable[str]], columns: dict[str, int]) -> Rows:
    numbers = [[columns[f] for f in row if f in columns] for row in rows]
    starts = np.cumsum([0, *(len(n) for n in numbers)], dtype=np.int64)
    return Rows(np.array([c for n in numbers for c in n], dtype=np.int64), starts, len(columns))


def fit(
    rows: Rows,
    labels: Array,
    *,
    penalty: float | Array,
    steps: int = 60,
    weights: Array | None = None,
    prior: float | Array = 0.0,
) -> Array:
    """Weights with the bias last. `penalty` is the L2 strength (of each column) of the pull towards `prior`.

    The bias is free. `weights` are per row, 1 if not given.
    """
    row_weights = np.ones(len(labels)) if weights is None else weights

    def loss(w: Array) -> tuple[float, Array]:
        z = rows.dot(w[:-1]) + w[-1]
        p = 1.0 / (1.0 + np.exp(-np.clip(z, -30, 30)))
        g = row_weights * (p - labels)
        pull = np.sum(penalty * (w[:-1] - prior) ** 2) / 2
        value = float(np.sum(row_weights * (np.logaddexp(0.0, z) - labels * z)) + pull)
        return value, np.append(rows.spread(g) + penalty * (w[:-1] - prior), g.sum())

    return minimize(loss, np.zeros(rows.width + 1), steps)


def predict(rows: Rows, weights: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(rows.dot(weights[:-1]) + weights[-1], -30, 30))))


def minimize(loss: Callable[[Array], tuple[float, Array]], start: Array, steps: int) -> Array:
    """L-BFGS with backtracking."""
    x = start
    value, slope = loss(x)
    history: list[tuple[Array, Array]] = []
    for _ in range(steps):
        step = _direction(slope, history)
        size, decrease = 1.0 if history else 1.0 / max(1.0, float(np.linalg.norm(slope))), float(slope @ step)
        while True:
            there, there_slope = loss(x + size * step)
            if there <= value + 1e-4 * size * decrease or size < 1e-8:
                break
            size /= 2
        moved, turned = size * step, there_slope - slope
        if moved @ turned > 1e-12:
            history = [*history[1 - MEMORY :], (moved, turned)]
        done = abs(value - there) < 1e-6 * max(1.0, abs(value))
        x, value, slope = x + moved, there, there_slope
        if done:
            break
    return x


def _direction(slope: Array, history: list[tuple[Array, Array]]) -> Array:
    q = -slope.copy()
    factors: list[float] = []
    for moved, turned in reversed(history):
        a = float(moved @ q) / float(moved @ turned)
        q -= a * turned
        factors.append(a)
    if history:
        moved, turned = history[-1]
        q *= float(moved @ turned) / float(turned @ turned)
    for (moved, turned), a in zip(history, reversed(factors), strict=True):
        q += (a - float(turned @ q) / float(moved @ turned)) * moved
    return q
