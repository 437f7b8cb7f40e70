"""Failed rules as bits: any number of rules, nulls, and the words in the order of the rules."""

import numpy as np
import polars as pl
import pytest

from tasks.filtering.rule_bits import chosen_of, columns_of, packed, spelled


@pytest.mark.parametrize("count", [0, 1, 8, 9, 63, 64, 65, 130])
def test_bits_spell_what_was_claimed(count):
    draw = np.random.default_rng(count)
    claims = draw.random((50, count)) < 0.3
    names = [f"rule_{index}" for index in range(count)]
    table = pl.DataFrame({"row": range(50), **{name: claims[:, index] for index, name in enumerate(names)}})
    bits = table.select("row", *packed("failed", [pl.col(name) for name in names]))
    assert bits.columns == ["row", *columns_of("failed", count)]
    words = bits.with_columns(words=spelled("failed", names).cast(pl.List(pl.String)))
    assert words["words"].to_list() == [
        [name for name, claimed in zip(names, row, strict=True) if claimed] for row in claims
    ]


def test_a_claim_that_cannot_be_told_counts_as_false():
    table = pl.DataFrame({"a": [True, None, False], "b": [None, None, True]})
    assert table.select(packed("failed", [pl.col("a"), pl.col("b")]))["failed_0"].to_list() == [1, 0, 2]


def test_chosen_bits_of_a_later_word():
    table = pl.DataFrame({"clip": ["x", "y", "z"]})
    chosen = {"x": 1 << 3, "y": 1 << 64 | 1 << 70}
    words = [table.select(chosen_of("clip", chosen, word)).to_series().to_list() for word in (0, 1)]
    assert words == [[8, 0, 0], [0, 1 | 1 << 6, 0]]
