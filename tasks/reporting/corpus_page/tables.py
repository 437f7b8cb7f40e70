"""What the corpus page counts: the funnel, what each rule rejects alone, and histograms."""

from dataclasses import dataclass

import numpy as np
import polars as pl

BINS = 30


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
