"""Verdicts of wide manifests, one row a clip and one column a metric: a million rows a second.

The same rules and the same verdicts as ``tasks.filtering.verdicts``, without a join or an object a clip: every rule of
a source is one comparison of a column, a clip's failed rules are the bits of one number, and the few hundred numbers
that occur are spelled out once. A manifest is Parquet, partitioned as one likes; files are judged one by one, so memory
does not grow with their count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path

import polars as pl

from data_contracts.clip import ClipStatus
from data_contracts.contract import ANY_RESOLUTION, QualityRule
from data_contracts.contract_loader import ContractSet
from tasks.filtering.expectations import column_of

MOST_RULES = 64
KEYS = ("path", "clip_id", "source")
"""Columns of a manifest beside its metrics."""
MASKS = ["failed", "waived"]


@dataclass(frozen=True)
class WideJudge:
    """What decides about the rows of a manifest.

    In a metric's column null means that its scorer is not in the profile, so that the rule is not evaluated, and NaN
    that it could not evaluate this clip, which fails a required rule.

    Attributes:
        contracts: the rules, and the waivers in force.
        stages: whose rules apply.
        resolution: at which the columns were measured; rules bound to another are not evaluated.
    """

    contracts: ContractSet
    stages: Sequence[str]
    resolution: str

    def judged(self, manifest: pl.DataFrame) -> pl.DataFrame:
        """``path clip_id source status reasons waived``, in the order of the manifest.

        Raises:
            ValueError: a source has more than 64 rules.
        """
        parts = [self._of_source(str(source[0]), rows) for source, rows in _by_source(manifest)]
        return pl.concat(parts).sort("row").drop("row")

    def judge_file(self, source: Path, target: Path) -> int:
        """Judge one Parquet file into another, whole or not at all; the number of its rows."""
        wanted = {*KEYS, *(column_of(rule) for rules in self._rules().values() for rule in rules)}
        names = [name for name in pl.read_parquet_schema(source) if name in wanted]
        found = self.judged(pl.read_parquet(source, columns=names))
        scratch = target.with_name(f".{target.name}.partial")
        found.write_parquet(scratch)
        scratch.replace(target)
        return len(found)

    def _rules(self) -> dict[str, list[QualityRule]]:
        return {source: self._rules_of(source) for source in self.contracts.by_source}

    def _rules_of(self, source: str) -> list[QualityRule]:
        bound = (ANY_RESOLUTION, self.resolution)
        rules = self.contracts.rules_of(source)
        return [rule for rule in rules if rule.stage in self.stages and rule.resolution in bound]

    def _of_source(self, source: str, rows: pl.DataFrame) -> pl.DataFrame:
        rules = [rule for rule in self._rules_of(source) if column_of(rule) in rows.columns]
        names = sorted({rule.id for rule in rules})
        if len(names) > MOST_RULES:
            raise ValueError(f"source {source} has {len(names)} rules, at most {MOST_RULES} fit one number")
        masked = rows.select("row", *KEYS, failed=_mask(rules, names)).with_columns(waived=self._waived(names))
        masked = masked.with_columns(pl.col("failed") - pl.col("waived"))
        spelled = _spelled(masked.select(MASKS).unique(), names)
        return masked.join(spelled, on=MASKS, how="left", maintain_order="left").drop(MASKS).rename({"words": "waived"})

    def _waived(self, names: Sequence[str]) -> pl.Expr:
        """Those bits of ``failed`` that are waived for the row's clip."""
        bits: dict[str, int] = {}
        for one in self.contracts.waived:
            if one.rule in names:
                bits[one.clip_id] = bits.get(one.clip_id, 0) | 1 << names.index(one.rule)
        if not bits:
            return pl.lit(0, pl.UInt64)
        granted = pl.col("clip_id").replace_strict(bits, default=0, return_dtype=pl.UInt64)
        return pl.col("failed") & granted


def _by_source(manifest: pl.DataFrame) -> list[tuple[tuple[object, ...], pl.DataFrame]]:
    numbered = manifest.with_row_index("row")
    return list(numbered.group_by("source", maintain_order=True))


def _mask(rules: Sequence[QualityRule], names: Sequence[str]) -> pl.Expr:
    """The failed rules of a row as bits, in the order of ``names``."""
    bits = [
        reduce(or_, (_fails(rule) for rule in rules if rule.id == name)).cast(pl.UInt64) * (1 << bit)
        for bit, name in enumerate(names)
    ]
    return pl.sum_horizontal(bits).cast(pl.UInt64) if bits else pl.lit(0, pl.UInt64)


def _fails(rule: QualityRule) -> pl.Expr:
    value = pl.col(column_of(rule))
    unevaluated = value.is_nan() if rule.required else pl.lit(value=False)
    below = value < rule.minimum if rule.minimum is not None else pl.lit(value=False)
    # polars orders NaN above all numbers.
    above = (value > rule.maximum) & value.is_not_nan() if rule.maximum is not None else pl.lit(value=False)
    return (below | above | unevaluated).fill_null(value=False)


def _spelled(masks: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Status, reasons and waived rules of every pair of masks that occurs."""
    reasons, waived = ([_names_of(mask, names) for mask in masks[column]] for column in MASKS)
    status = [ClipStatus.REJECTED.value if one else ClipStatus.ACCEPTED.value for one in reasons]
    words = pl.DataFrame(
        {"status": status, "reasons": reasons, "words": waived},
        schema={"status": pl.String, "reasons": pl.List(pl.String), "words": pl.List(pl.String)},
    )
    return masks.hstack(words)


def _names_of(mask: int, names: Sequence[str]) -> list[str]:
    return [name for bit, name in enumerate(names) if mask >> bit & 1]
