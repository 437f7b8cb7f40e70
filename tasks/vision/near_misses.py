"""Near misses: scores so close to the limit of a rule that this rule's number alone decides about the clip."""

import polars as pl

from data_contracts.clip import ClipStatus
from data_contracts.quality import Outcome

NEAR = 0.05
"""Share of a limit within which a score is a near miss."""
COLUMNS = ("path", "clip_id", "rule", "metric", "value", "limit", "missed_by", "outcome")
ENDS = ("minimum", "maximum")


def near_misses(verdicts: pl.DataFrame, outcomes: pl.DataFrame, share: float = NEAR) -> pl.DataFrame:
    """Clips on either side of a limit, at most ``share`` of it away: those that fail first, nearest first.

    A clip just fails where one rule alone rejects it and every failed cell of that rule lies within the share. A clip
    just passes where it is accepted. A limit of 0 has no share, and so no near misses; inputs that could not be read
    and Gaussian scenes are no clips.

    Args:
        verdicts: ``VerdictRow`` columns.
        outcomes: ``OutcomeRow`` columns of the same inputs.
        share: the farthest, as a share of the limit.

    Returns:
        ``path, clip_id, rule, metric, value, limit, missed_by, outcome``, one row a clip and rule; ``missed_by`` is a
        share of the limit.
    """
    found = pl.concat([_just_failed(verdicts, outcomes, share), _just_passed(verdicts, outcomes, share)])
    return found.sort("outcome", "missed_by", "path", "rule")


def _just_failed(verdicts: pl.DataFrame, outcomes: pl.DataFrame, share: float) -> pl.DataFrame:
    alone = verdicts.filter(pl.col("status") == ClipStatus.REJECTED.value, pl.col("reasons").list.len() == 1)
    below = (pl.col("value") < pl.col("minimum")).fill_null(value=False)
    limit = pl.when(below).then("minimum").otherwise("maximum")
    failed = _cells(outcomes, alone, Outcome.FAIL).with_columns(limit=limit).with_columns(missed_by=_missed_by())
    # A cell that no share describes (no value, or a limit of 0) is no near one, nor are the others of its rule.
    known = failed.with_columns(pl.col("missed_by").fill_null(float("inf")).fill_nan(float("inf")))
    worst = known.sort("missed_by", "metric", descending=True).unique(["path", "rule"], keep="first")
    return worst.filter(pl.col("missed_by") <= share).select(COLUMNS)


def _just_passed(verdicts: pl.DataFrame, outcomes: pl.DataFrame, share: float) -> pl.DataFrame:
    accepted = verdicts.filter(pl.col("status") == ClipStatus.ACCEPTED.value)
    passed = _cells(outcomes, accepted, Outcome.PASS)
    ends = pl.concat([passed.with_columns(limit=pl.col(end)) for end in ENDS]).filter(pl.col("limit") != 0)
    near = ends.with_columns(missed_by=_missed_by()).filter(pl.col("missed_by") <= share)
    return near.sort("missed_by", "metric").unique(["path", "rule"], keep="first").select(COLUMNS)


def _cells(outcomes: pl.DataFrame, clips: pl.DataFrame, outcome: Outcome) -> pl.DataFrame:
    return outcomes.filter(pl.col("outcome") == outcome.value).join(clips.select("path"), on="path", how="semi")


def _missed_by() -> pl.Expr:
    return ((pl.col("value") - pl.col("limit")) / pl.col("limit")).abs()
