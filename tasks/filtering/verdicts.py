"""From scores and rules to verdicts: one join, no loop over clips."""

from collections.abc import Sequence

import polars as pl

from data_contracts.clip import ClipRow, ClipStatus, ItemKind
from data_contracts.contract import ANY_RESOLUTION
from data_contracts.contract_loader import ContractSet
from data_contracts.outcome import OutcomeRow
from data_contracts.quality import Outcome, Rule, ScoreRow, VerdictRow
from tasks.vision.tables import record_schema, to_frame

PASS, FAIL = Outcome.PASS.value, Outcome.FAIL.value
WAIVED, NOT_EVALUATED = Outcome.WAIVED.value, Outcome.NOT_EVALUATED.value


def judge(rows: Sequence[ClipRow], scores: pl.DataFrame, contracts: ContractSet, stages: Sequence[str]) -> pl.DataFrame:
    """Compare every score with the range of every cell that binds its clip.

    A cell whose metric, scorer and resolution no score of the clip has is ``not_evaluated``. A score without a value
    fails a required rule. What fails and is waived for this clip is ``waived``.

    Args:
        rows: the listed inputs.
        scores: ``ScoreRow`` columns.
        contracts: the rules, and the waivers in force.
        stages: whose rules to apply (``ingest``, ``screen``, ``filter``).

    Returns:
        ``OutcomeRow`` columns, sorted.
    """
    rules = [rule for rule in contracts.flat([row.source for row in rows]) if rule.stage in stages]
    cells = _rule_frame(rules, contracts)
    clips = pl.DataFrame(
        {"path": [row.path for row in rows], "clip_id": [row.clip_id for row in rows]}
        | {"source": [row.source for row in rows]},
        schema={"path": pl.String, "clip_id": pl.String, "source": pl.String},
    )
    measured = scores.select("path", "metric", "scorer", pl.col("resolution").alias("measured"), "value")
    joined = clips.join(cells, on="source").join(measured, on=["path", "metric", "scorer"], how="left")
    matches = (pl.col("bound") == ANY_RESOLUTION) | (pl.col("bound") == pl.col("measured"))
    present = pl.col("measured").is_not_null() & matches
    inside = (pl.col("value") >= pl.col("minimum").fill_null(float("-inf"))) & (
        pl.col("value") <= pl.col("maximum").fill_null(float("inf"))
    )
    outcome = (
        pl.when(~present)
        .then(pl.lit(NOT_EVALUATED))
        .when(pl.col("value").is_null())
        .then(pl.when(pl.col("required")).then(pl.lit(FAIL)).otherwise(pl.lit(NOT_EVALUATED)))
        .when(inside)
        .then(pl.lit(PASS))
        .otherwise(pl.lit(FAIL))
    )
    columns = joined.with_columns(
        outcome=outcome,
        value=pl.when(present).then(pl.col("value")),
        resolution=pl.when(present).then(pl.col("measured")).otherwise(pl.col("bound")),
    )
    schema = record_schema(OutcomeRow)
    return _with_waivers(columns, contracts).select(list(schema)).sort("path", "rule", "metric", "scorer")


def verdicts(rows: Sequence[ClipRow], outcomes: pl.DataFrame) -> list[VerdictRow]:
    """One verdict a listed input, with every failed rule; in the order of ``rows``.

    An input that could not be read is quarantined; one that passes is accepted, or ``ready`` where it is a scene from
    which clips are rendered.
    """
    failed, waived = (_rules_by_path(outcomes, outcome) for outcome in (FAIL, WAIVED))
    return [_verdict(row, failed.get(row.path, []), waived.get(row.path, [])) for row in rows]


def rejected_paths(outcomes: pl.DataFrame) -> set[str]:
    """Paths of the inputs that fail any rule."""
    return set(outcomes.filter(pl.col("outcome") == FAIL)["path"].to_list())


def score_frame(scores: Sequence[ScoreRow]) -> pl.DataFrame:
    """Scores as a sorted table."""
    return to_frame(scores, ScoreRow).sort("path", "metric", "scorer")


def _with_waivers(outcomes: pl.DataFrame, contracts: ContractSet) -> pl.DataFrame:
    """Failures that a steward waived, marked as such."""
    schema = {"clip_id": pl.String, "rule": pl.String}
    granted = pl.DataFrame([one.model_dump() for one in contracts.waived], schema=schema).with_columns(granted=True)
    marked = outcomes.join(granted, on=["clip_id", "rule"], how="left")
    passes = (pl.col("outcome") == FAIL) & pl.col("granted").fill_null(value=False)
    return marked.with_columns(outcome=pl.when(passes).then(pl.lit(WAIVED)).otherwise(pl.col("outcome")))


def _rules_by_path(outcomes: pl.DataFrame, outcome: str) -> dict[str, list[str]]:
    found = outcomes.filter(pl.col("outcome") == outcome).group_by("path").agg(pl.col("rule").unique().sort())
    return {path: list(rules) for path, rules in found.iter_rows()}


def _verdict(row: ClipRow, reasons: list[str], waived: list[str]) -> VerdictRow:
    if row.status is ClipStatus.QUARANTINED:
        status = ClipStatus.QUARANTINED
    elif reasons:
        status = ClipStatus.REJECTED
    else:
        status = ClipStatus.READY if row.kind is ItemKind.SPLAT_SCENE else ClipStatus.ACCEPTED
    return VerdictRow(
        path=row.path, clip_id=row.clip_id, source=row.source, status=status, reasons=reasons, waived=waived
    )


def _rule_frame(rules: Sequence[Rule], contracts: ContractSet) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "source": [rule.sources[0] for rule in rules],
            "rule": [rule.id for rule in rules],
            "rule_version": [rule.version for rule in rules],
            "metric": [rule.metric for rule in rules],
            "scorer": [rule.scorer for rule in rules],
            "bound": [rule.resolution for rule in rules],
            "minimum": [rule.minimum for rule in rules],
            "maximum": [rule.maximum for rule in rules],
            "origin": [rule.origin for rule in rules],
            "required": [rule.required for rule in rules],
            "contract": [contracts.version_of(rule.sources[0]) for rule in rules],
        },
        schema={
            **dict.fromkeys(("source", "rule"), pl.String),
            "rule_version": pl.Int64,
            **dict.fromkeys(("metric", "scorer", "bound"), pl.String),
            **dict.fromkeys(("minimum", "maximum"), pl.Float64),
            "origin": pl.String,
            "required": pl.Boolean,
            "contract": pl.String,
        },
    )
