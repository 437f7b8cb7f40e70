"""The rules of all sources as comparisons of whole columns.

A comparison of every row costs less than to part the rows by source, so each range is compared once, for all sources
that share it, and what does not bind a row's source is masked.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

import polars as pl

from data_contracts.contract import QualityRule
from tasks.filtering.expectations import column_of

BOUND = "bound"
"""The column that names the source whose rules bind a row."""
NO_SOURCE = ""
"""Stands there for every source without a contract of its own."""


class Cell(NamedTuple):
    """A rule's range of one column; rules of several sources may share it."""

    rule: str
    column: str
    minimum: float | None
    maximum: float | None
    required: bool

    @classmethod
    def of(cls, rule: QualityRule) -> "Cell":
        """What a rule compares."""
        return cls(rule.id, column_of(rule), rule.minimum, rule.maximum, rule.required)

    def fails(self) -> pl.Expr:
        """Whether a row's value lies outside of the range, or is NaN and required; null where the value is null."""
        value = pl.col(self.column)
        outside = [value < self.minimum] if self.minimum is not None else []
        if self.maximum is not None:
            outside.append(value > self.maximum)
        # Without a maximum as well as with one: polars orders NaN above all numbers.
        return reduce(or_, [*outside, value.is_nan()]) if self.required else reduce(or_, outside) & value.is_not_nan()


def bound_to(sources: Sequence[str]) -> pl.Expr:
    """The column ``bound`` of a table that names its rows' ``source``."""
    named = pl.col("source").cast(pl.Enum([*sources, NO_SOURCE]), strict=False)
    return named.fill_null(NO_SOURCE).alias(BOUND)


def failing(rules: Mapping[str, Sequence[QualityRule]], columns: Sequence[str]) -> dict[str, pl.Expr]:
    """For each rule, by its id, whether a row with ``bound`` fails it; null where that cannot be told.

    Args:
        rules: the rules of every source that ``bound`` may name.
        columns: those there are; a rule of another one is not evaluated.
    """
    sources_of: dict[Cell, list[str]] = {}
    for source, of_source in rules.items():
        for cell in {Cell.of(rule): None for rule in of_source if column_of(rule) in columns}:
            sources_of.setdefault(cell, []).append(source)
    found: dict[str, list[pl.Expr]] = {}
    for cell, sources in sources_of.items():
        binds = reduce(or_, (pl.col(BOUND) == source for source in sources))
        fails = cell.fails() if len(sources) == len(rules) else cell.fails() & binds
        found.setdefault(cell.rule, []).append(fails)
    return {rule: reduce(or_, fails) for rule, fails in sorted(found.items())}
