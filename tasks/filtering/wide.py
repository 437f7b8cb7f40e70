"""Verdicts of wide manifests, one row a clip and one column a metric: some million clips a second.

The same rules and the same verdicts as ``tasks.filtering.verdicts``, without a join, a group or an object a clip: rules
are comparisons of whole columns, the rules that a clip fails are bits of a number, and the few thousand numbers that
occur are spelled out once each. A manifest is Parquet, partitioned as one likes; files are judged one by one, so memory
does not grow with their count.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data_contracts.clip import ClipStatus
from data_contracts.contract import ANY_RESOLUTION, QualityRule
from data_contracts.contract_loader import ContractSet
from tasks.filtering.column_rules import NO_SOURCE, bound_to, failing
from tasks.filtering.rule_bits import chosen_of, columns_of, packed, spelled
from tasks.filtering.wide_table import KEYS, write_wide

AT_ONCE = 2
"""Files under way: polars uses every core for some steps, and one alone for others."""


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
        """``path clip_id source status reasons waived``, in the order of the manifest."""
        return self._judged(manifest.lazy())

    def judge_file(self, source: Path, target: Path) -> int:
        """Judge one Parquet file into another, whole or not at all; the number of its rows."""
        found = self._judged(pl.scan_parquet(source))
        write_wide(target, found)
        return len(found)

    def judge_files(self, targets: Mapping[Path, Path]) -> int:
        """Judge every file into its target, ``AT_ONCE`` at a time; the number of all rows."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(pool.map(self.judge_file, targets.keys(), targets.values()))

    def _judged(self, manifest: pl.LazyFrame) -> pl.DataFrame:
        sources = [*self.contracts.by_source, NO_SOURCE]
        fails = failing({source: self._rules_of(source) for source in sources}, manifest.collect_schema().names())
        rules = list(fails)
        failed = packed("failed", list(fails.values()))
        bound = manifest.with_columns(bound_to(list(self.contracts.by_source)))
        marked = self._less_waived(bound.select(*KEYS, *failed), rules).collect()
        masks = marked.drop(KEYS)
        words = masks.join(_words(masks.unique(), rules), on=masks.columns, how="left", maintain_order="left")
        return marked.select(KEYS).hstack(words.drop(masks.columns))

    def _rules_of(self, source: str) -> list[QualityRule]:
        bound = (ANY_RESOLUTION, self.resolution)
        rules = self.contracts.rules_of(source)
        return [rule for rule in rules if rule.stage in self.stages and rule.resolution in bound]

    def _less_waived(self, marked: pl.LazyFrame, rules: Sequence[str]) -> pl.LazyFrame:
        """Move the bits that are waived for a row's clip from ``failed`` to ``waived``; no such column without any."""
        granted: dict[str, int] = {}
        for one in self.contracts.waived:
            if one.rule in rules:
                granted[one.clip_id] = granted.get(one.clip_id, 0) | 1 << rules.index(one.rule)
        if not granted:
            return marked
        masks = list(zip(columns_of("failed", len(rules)), columns_of("waived", len(rules)), strict=True))
        granting = [
            (pl.col(failed) & chosen_of("clip_id", granted, word)).alias(waived)
            for word, (failed, waived) in enumerate(masks)
        ]
        return marked.with_columns(granting).with_columns(pl.col(failed) - pl.col(waived) for failed, waived in masks)


def _words(masks: pl.DataFrame, rules: Sequence[str]) -> pl.DataFrame:
    """Status, reasons and waived rules beside every combination of masks that occurs."""
    waivable = rules if columns_of("waived", len(rules))[0] in masks.columns else []
    reasons, waived = spelled(masks, "failed", rules), spelled(masks, "waived", waivable)
    accepted, rejected = pl.lit(ClipStatus.ACCEPTED.value), pl.lit(ClipStatus.REJECTED.value)
    status = pl.when(pl.col("reasons").list.len() > 0).then(rejected).otherwise(accepted)
    words = masks.with_columns(reasons=reasons, waived=waived).with_columns(status=status)
    return words.select(*masks.columns, "status", "reasons", "waived")
