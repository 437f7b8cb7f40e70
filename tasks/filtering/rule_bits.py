"""Which of many rules a row fails, as bits of as few numbers as they need: 64 rules a column.

Polars neither packs booleans nor groups fast by many of them; it does by a number. Bit ``i`` stands for the ``i``-th
name, in column ``<prefix>_<i // 64>``.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

import polars as pl

BITS, BYTE = 64, 8
ROW = "row number"


def columns_of(prefix: str, count: int) -> list[str]:
    """The columns that hold so many bits; one where there are none."""
    return [f"{prefix}_{index}" for index in range(max(1, -(-count // BITS)))]


def packed(prefix: str, claims: Sequence[pl.Expr]) -> list[pl.Expr]:
    """The columns whose bits are these claims about a row; null counts as false."""
    bits = [claim.fill_null(value=False).cast(pl.UInt8) for claim in claims] or [pl.lit(0, pl.UInt8)]
    return [
        _number(bits[start : start + BITS]).alias(column)
        for start, column in zip(range(0, len(bits), BITS), columns_of(prefix, len(bits)), strict=True)
    ]


def chosen_of(column: str, chosen: Mapping[str, int], word: int) -> pl.Expr:
    """The bits of the ``word``-th column that are chosen for the row's value of ``column``; 0 for any other value."""
    bits = [bits >> BITS * word & (1 << BITS) - 1 for bits in chosen.values()]
    return pl.col(column).replace_strict(
        list(chosen), pl.Series(bits, dtype=pl.UInt64), default=0, return_dtype=pl.UInt64
    )


def spelled(table: pl.DataFrame, prefix: str, names: Sequence[str]) -> pl.Series:
    """The names whose bits are set, in their order, for each row of a table."""
    none = pl.Series(prefix, [[]], dtype=pl.List(pl.String))
    if not names:
        return none.new_from_index(0, len(table))
    claims = [
        pl.col(f"{prefix}_{index // BITS}") & pl.lit(1 << index % BITS, pl.UInt64) > 0 for index in range(len(names))
    ]
    flags = table.select(claim.alias(name) for name, claim in zip(names, claims, strict=True)).with_row_index(ROW)
    words = flags.unpivot(index=ROW).filter("value").group_by(ROW).agg(pl.col("variable").alias(prefix))
    return flags.select(ROW).join(words, on=ROW, how="left", maintain_order="left")[prefix].fill_null(none)


def _number(bits: Sequence[pl.Expr]) -> pl.Expr:
    """Bytes of eight bits first: most of the work is then on one byte a row instead of eight."""
    parts = [_shifted(bits[start : start + BYTE], pl.UInt8, 1) for start in range(0, len(bits), BYTE)]
    return _shifted(parts, pl.UInt64, BYTE)


def _shifted(parts: Sequence[pl.Expr], dtype: type[pl.DataType], by: int) -> pl.Expr:
    shifted = (part.cast(dtype) * pl.lit(1 << by * index, dtype) for index, part in enumerate(parts))
    return reduce(or_, shifted)
