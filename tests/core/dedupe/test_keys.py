import random

import numpy as np

from core.dedupe.keys import KeyTable, Numbers


def everything(numbers: Numbers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.ones(len(numbers), np.bool_)


def test_a_table_answers_as_a_dict_does_however_often_it_is_settled() -> None:
    chance, table, expected = random.Random(7), KeyTable(), dict[int, int]()
    for number in range(12_000):
        keys = [chance.randrange(1 << 14) << 46 for _ in range(3)]
        table.put(keys, number)
        expected |= dict.fromkeys(keys, number)
        table.settle(everything)
        asked = [chance.randrange(1 << 14) << 46 for _ in range(4)]
        assert table.find(asked) == {key: expected[key] for key in asked if key in expected}


def test_settling_drops_what_is_not_kept() -> None:
    table = KeyTable()
    for number in range(20_000):
        table.put([number], number)
    table.settle(lambda numbers: numbers >= 15_000)
    assert table.find([14_999, 15_000]) == {15_000: 15_000}


def test_an_empty_table_finds_nothing() -> None:
    table = KeyTable()
    table.settle(everything)
    assert table.find([1, 2]) == {}
    assert table.find([]) == {}
