"""Linear scoring: weights by feature name, summed and squashed. Holds no weights and trains nothing."""

from collections.abc import Iterable, Mapping
from itertools import repeat
from math import exp
from typing import Any

Weights = Mapping[str, float]


def sigmoid(value: float) -> float:
    """Map a sum of weights to 0-1; saturates instead of overflowing."""
    return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, value))))


def score(features: Iterable[str], weights: Weights) -> float:
    """Sum the weights of the features present and squash; unknown features weigh nothing."""
    known = weights.get
    return sigmoid(known("bias", 0.0) + sum(map(known, features, repeat(0.0))))


def weights_in(model: Mapping[str, Any] | None, name: str, default: Weights) -> Weights:
    """Read one weight table of a model; a model without it, or no model, gives `default`."""
    return dict(model[name]) if model and name in model else default
