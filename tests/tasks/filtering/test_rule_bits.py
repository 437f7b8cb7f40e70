"""Claims packed into numbers are spelled as the names of those that hold."""

import numpy as np
import polars as pl
import pytest

from tasks.filtering.rule_bits import chosen_of, columns_of, packed, spelled

COUNTS = [0, 1, 7, 8, 9, 63, 64, 65, 128, 129]


@pytest.mark.parametrize("count", COUNTS)
def test_what_holds_is_named(count):
    draw = np.random.default_rng(count)
    names = [f"r{index:03}" for index in range(count)]
    table = pl.DataFrame(
        {"row": range(50)} | {name: draw.choice([True, False, None], 50).tolist() for name in names},
        schema_overrides=dict.fromkeys(names, pl.Boolean),
    )
    numbers = table.select("row", *packed("b", [pl.col(name) for name in names]))
    assert numbers.columns == ["row", *columns_of("b", count)]
    assert set(numbers.dtypes[1:]) == {pl.UInt64}
    expected = [[name for name in names if row[name]] for row in table.iter_rows(named=True)]
    assert spelled(numbers, "b", names).to_list() == expected


def test_every_bit_on_its_own_and_all_together():
    names = [f"r{index:03}" for index in range(130)]
    table = pl.DataFrame({name: [index == bit for index in range(130)] + [True] for bit, name in enumerate(names)})
    numbers = table.select(packed("b", [pl.col(name) for name in names]))
    assert spelled(numbers, "b", names).to_list() == [*([name] for name in names), names]


def test_chosen_bits_of_a_key():
    chosen = {"a": 1 << 63 | 1 << 64 | 1 << 129, "b": 1}
    table = pl.DataFrame({"key": ["a", "b", "c", None]})
    found = table.select(chosen_of("key", chosen, word).alias(str(word)) for word in range(3))
    assert found.rows() == [(1 << 63, 1, 2), (1, 0, 0), (0, 0, 0), (0, 0, 0)]
