"""What the corpus page counts: the funnel, what each rule rejects alone, near misses, and histograms."""

from dataclasses import dataclass

import numpy as np
import polars as pl

NEAR = 0.05  # a near miss lies within this share of the limit it breaks
BINS = 30
FAIL = "fail"


@dataclass(frozen=True)
class Histogram:
    """Counts of one metric over equal bins from ``low`` to ``high``, and the limits that rules set."""

    metric: str
    scorer: str
    low: float
    high: float
    counts: list[int]
    limits: list[float]


def funnel(verdicts: pl.DataFrame) -> pl.DataFrame:
    """``source, listed, quarantined, rejected, accepted``, one row a source; Gaussian scenes are no clips."""
    clips = verdicts.filter(pl.col("status") != "ready")
    counted = [(pl.col("status") == status).sum().alias(status) for status in ("quarantined", "rejected", "accepted")]
    return clips.group_by("source").agg(pl.len().alias("listed"), *counted).sort("source")


def reasons(verdicts: pl.DataFrame) -> pl.DataFrame:
    """``reason, clips, alone``: how many clips a rule rejects, and how many nothing else rejects."""
    alone = pl.col("reasons").list.len() == 1
    exploded = verdicts.with_columns(alone=alone).explode("reasons").drop_nulls("reasons")
    counted = exploded.group_by(reason="reasons").agg(pl.len().alias("clips"), pl.col("alone").sum())
    return counted.sort("clips", "reason", descending=[True, False])


def near_misses(verdicts: pl.DataFrame, outcomes: pl.DataFrame, share: float = NEAR) -> pl.DataFrame:
    """Rejected clips that one rule alone rejects, by at most ``share`` of the limit: nearest first.

    A limit of 0 has no share; such cells have no near misses.

    Returns:
        ``path, clip_id, rule, metric, value, limit, missed_by`` (a share of the limit).
    """
    rejected = verdicts.filter((pl.col("status") == "rejected") & (pl.col("reasons").list.len() == 1))
    failed = outcomes.filter((pl.col("outcome") == FAIL) & pl.col("value").is_not_null())
    below = pl.col("minimum").is_not_null() & (pl.col("value") < pl.col("minimum"))
    cells = failed.with_columns(limit=pl.when(below).then("minimum").otherwise("maximum"))
    cells = cells.filter(pl.col("limit").is_not_null() & (pl.col("limit") != 0))
    missed = ((pl.col("value") - pl.col("limit")) / pl.col("limit")).abs()
    joined = cells.with_columns(missed_by=missed).join(rejected.select("path", "clip_id"), on="path", suffix="_")
    columns = ("path", "clip_id", "rule", "metric", "value", "limit", "missed_by")
    worst = joined.select(columns).group_by("path", maintain_order=True).agg(pl.all().sort_by("missed_by").last())
    return worst.select(columns).filter(pl.col("missed_by") <= share).sort("missed_by", "path")


def histograms(scores: pl.DataFrame, outcomes: pl.DataFrame) -> list[Histogram]:
    """One a bounded metric and scorer; yes-or-no facts have none. Values that are not finite are left out."""
    found: list[Histogram] = []
    limits = _limits(outcomes)
    finite = scores.filter(pl.col("value").is_finite())
    for (metric, scorer), group in sorted(finite.group_by("metric", "scorer"), key=lambda entry: entry[0]):
        bounds = limits.get((str(metric), str(scorer)), [])
        values = group["value"].to_numpy()
        if not bounds or bool(np.isin(values, (0.0, 1.0)).all()):
            continue
        low, high = float(values.min()), float(values.max())
        room = (high - low) or abs(high) or 1.0
        near = [limit for limit in bounds if low - room <= limit <= high + room]
        low, high = min([low, *near]), max([high, *near])
        counts, _ = np.histogram(values, bins=BINS, range=(low, high))
        found.append(Histogram(str(metric), str(scorer), low, high, counts.tolist(), near))
    return found


def _limits(outcomes: pl.DataFrame) -> dict[tuple[str, str], list[float]]:
    cells = outcomes.select("metric", "scorer", "minimum", "maximum").unique()
    found: dict[tuple[str, str], set[float]] = {}
    for metric, scorer, minimum, maximum in cells.iter_rows():
        found.setdefault((metric, scorer), set()).update(limit for limit in (minimum, maximum) if limit is not None)
    return {key: sorted(values) for key, values in found.items()}
