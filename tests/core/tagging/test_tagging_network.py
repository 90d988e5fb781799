"""The small network: what it learns that a sum of weights cannot, and that it is laid out as it was fitted."""

from functools import cache

import numpy as np

from bench.tags.network import Fitted, fit_network, join, pack_network
from core.tagging.network import Network

FILM, BOOK, DATE, TRAILER = (tuple(range(n, n + 5)) for n in (0, 5, 10, 15))
FEATURES = 20
TEXTS = [FILM + DATE, FILM + TRAILER, BOOK + DATE, BOOK + TRAILER]
"""News is a film's date and a book's trailer: no sum of weights tells these from the other two."""

NEWS = [1.0, 0.0, 0.0, 1.0]


@cache
def learn(seed: int = 0) -> Fitted:
    texts = [[np.array(text)] for text in TEXTS] * 500
    wanted = np.array([[n] for n in NEWS] * 500, dtype=np.float32)
    return fit_network(texts, wanted, np.ones_like(wanted), FEATURES, seed=seed, rate=0.02)


def test_it_learns_that_a_word_means_another_thing_beside_another_word() -> None:
    network = Network(pack_network(learn(), judgement=0))
    sums = [network.judge(text) for text in TEXTS]

    assert [s > 0 for s in sums] == [n > 0 for n in NEWS]


def test_the_same_labels_give_the_same_network() -> None:
    assert pack_network(learn(), judgement=0) == pack_network(learn.__wrapped__(), judgement=0)


def test_networks_side_by_side_give_the_mean_of_their_sums() -> None:
    one, two = learn(seed=0), learn(seed=1)
    both = Network(pack_network(join([one, two]), judgement=0))
    apart = [Network(pack_network(n, judgement=0)) for n in (one, two)]

    for text in TEXTS:
        assert abs(both.judge(text) - sum(n.judge(text) for n in apart) / 2) < 0.05


def test_features_it_does_not_know_count_for_nothing() -> None:
    network = Network(pack_network(learn(), judgement=0))

    assert network.judge([*FILM, *DATE, FEATURES, 99]) == network.judge([*FILM, *DATE])
    assert np.isfinite(network.judge([]))
