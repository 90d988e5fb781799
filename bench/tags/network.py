"""Fits the small network of `core.tagging.network` on sets of binary features, in numpy; its draws are seeded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
Variants = Sequence[Numbers]
"""One text, seen in several ways: the feature numbers of each."""

WIDTH = 16
EPOCHS = 12
BATCH = 128
RATE = 0.002
FEATURES_DROPPED, HIDDEN_DROPPED = 0.5, 0.3
"""Shares put out of sight at each step, so that no judgement hangs on a few words."""

SPREAD = 0.03
GAIN = 3.0
"""Sums are weighed this much more than the rows they are made of, which makes the rows learn faster."""

STEP = 0.05
"""What rows are rounded to: finer says nothing, for a text adds up a hundred of them, and costs space."""

MOMENTUM, MEMORY = 0.9, 0.999


@dataclass
class _Parameter:
    """Numbers that Adam moves."""

    value: Floats
    pace: Floats = field(init=False)
    power: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.pace = np.zeros_like(self.value)
        self.power = np.zeros_like(self.value)

    def move(self, slope: Floats, step: int, rate: float, at: Numbers | slice = np.s_[:]) -> None:
        """Move against the slope; `at` says which rows it is of, the others have none."""
        self.pace *= MOMENTUM
        self.pace[at] += (1 - MOMENTUM) * slope
        self.power *= MEMORY
        self.power[at] += (1 - MEMORY) * slope * slope
        size = rate / (1 - MOMENTUM**step)
        self.value -= size * self.pace / (np.sqrt(self.power / (1 - MEMORY**step)) + 1e-8)


@dataclass
class Fitted:
    """`rows` height x width, `bias` width, `heads` width x judgements, `offsets` one a judgement."""

    rows: Floats
    bias: Floats
    heads: Floats
    offsets: Floats


def fit_network(
    texts: Sequence[Variants], wanted: Floats, weights: Floats, height: int, *, seed: int, rate: float = RATE
) -> Fitted:
    """Fit on texts, each of which is seen in one of its variants at a time.

    `wanted` and `weights` are texts x judgements: 0 or 1, and what a mistake costs. `height` is the number of features.
    """
    draw = np.random.default_rng(seed)
    share = wanted.mean(axis=0) + np.float32(1e-3)
    rows = _Parameter((draw.standard_normal((height, WIDTH)) * SPREAD).astype(np.float32))
    bias = _Parameter(np.zeros(WIDTH, dtype=np.float32))
    heads = _Parameter((draw.standard_normal((WIDTH, wanted.shape[1])) / WIDTH**0.5).astype(np.float32))
    offsets = _Parameter(np.log(share / (1 + np.float32(2e-3) - share)).astype(np.float32))
    total = EPOCHS * -(-len(texts) // BATCH)
    for step, (batch, picks) in enumerate(_batches(draw, texts), start=1):
        known, sums = _sums([texts[n][v] for n, v in zip(batch, picks, strict=True)], draw)
        hidden = np.tanh(sums @ rows.value[known] + bias.value)
        seen = ((draw.random(hidden.shape) >= HIDDEN_DROPPED) / (1 - HIDDEN_DROPPED)).astype(np.float32)
        chances = 1 / (1 + np.exp(-np.clip((hidden * seen) @ heads.value + offsets.value, -30, 30)))
        slope = weights[batch] * (chances - wanted[batch]) / np.float32(len(batch))
        inner = (slope @ heads.value.T) * seen * (1 - hidden * hidden)
        slower = rate * (1 - (step - 1) / total)
        heads.move((hidden * seen).T @ slope, step, slower)
        offsets.move(slope.sum(axis=0), step, slower)
        bias.move(inner.sum(axis=0), step, slower)
        rows.move(sums.T @ inner, step, slower, known)
    return Fitted(rows.value * np.float32(GAIN), bias.value, heads.value, offsets.value)


def join(networks: Sequence[Fitted]) -> Fitted:
    """Lay networks side by side: one wider network that gives the mean of their sums."""
    return Fitted(
        np.concatenate([n.rows for n in networks], axis=1),
        np.concatenate([n.bias for n in networks]),
        np.concatenate([n.heads / np.float32(len(networks)) for n in networks]),
        np.asarray(sum(n.offsets / np.float32(len(networks)) for n in networks), dtype=np.float32),
    )


def _batches(draw: np.random.Generator, texts: Sequence[Variants]) -> Any:
    for _ in range(EPOCHS):
        order, picks = draw.permutation(len(texts)), draw.integers(0, len(texts[0]), len(texts))
        for start in range(0, len(texts), BATCH):
            batch = order[start : start + BATCH]
            yield batch, picks[batch]


def _sums(batch: Sequence[Numbers], draw: np.random.Generator) -> tuple[Numbers, Floats]:
    """The features left in sight, and how each text of the batch adds them up: texts x features."""
    left = [numbers[draw.random(len(numbers)) >= FEATURES_DROPPED] for numbers in batch]
    known, columns = np.unique(np.concatenate(left), return_inverse=True)
    lines = np.repeat(np.arange(len(batch)), [len(numbers) for numbers in left])
    shares = np.array([GAIN / max(len(numbers), 1) ** 0.5 for numbers in batch]) / (1 - FEATURES_DROPPED)
    sums = np.zeros((len(batch), len(known)), dtype=np.float32)
    sums[lines, columns] = shares[lines]
    return known, sums


def pack_network(fitted: Fitted, judgement: int) -> dict[str, Any]:
    """Lay out as `core.tagging.network.Network` reads it what makes one judgement; rows are rounded to steps."""
    scale = max(float(np.abs(fitted.rows).max()) / 127, STEP)
    steps = np.round(fitted.rows / scale).astype(np.int8)
    return {
        "height": len(fitted.rows),
        "scale": round(scale, 6),
        "rows": steps.tobytes().hex(),
        "bias": [round(float(b), 3) for b in fitted.bias],
        "head": [round(float(w), 3) for w in fitted.heads[:, judgement]],
        "offset": round(float(fitted.offsets[judgement]), 3),
    }
