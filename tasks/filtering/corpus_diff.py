"""Two corpora compared: whose fate differs, and how every score has shifted, source by source."""

import numpy as np
import polars as pl

from data_contracts.corpus_change import CorpusDiff, FateChange, ScoreShift
from data_contracts.quality import VerdictRow
from tasks.filtering.report import Corpus

ABSENT = "absent"
FEWEST = 2
"""Values of a metric below which a distribution is not compared."""


def diff_corpora(before: Corpus, after: Corpus) -> CorpusDiff:
    """Compare by path, and score by score; a metric that only one corpus has is left out of the shifts."""
    return CorpusDiff(
        clips_before=len(before.rows),
        clips_after=len(after.rows),
        fates=_fates(before, after),
        shifts=sorted(_shifts(before, after), key=lambda shift: (-shift.distance, shift.source, shift.metric)),
    )


def _fates(before: Corpus, after: Corpus) -> list[FateChange]:
    old, new = ({one.path: one for one in corpus.verdicts} for corpus in (before, after))
    changes = []
    for path in sorted(old.keys() | new.keys()):
        left, right = old.get(path), new.get(path)
        if _fate(left) != _fate(right):
            changes.append(
                FateChange(
                    path=path,
                    source=(left or right or new[path]).source,
                    before=_fate(left)[0],
                    after=_fate(right)[0],
                    reasons_before=_fate(left)[1],
                    reasons_after=_fate(right)[1],
                )
            )
    return changes


def _fate(verdict: VerdictRow | None) -> tuple[str, list[str]]:
    return (ABSENT, []) if verdict is None else (verdict.status.value, verdict.reasons)


def _shifts(before: Corpus, after: Corpus) -> list[ScoreShift]:
    from scipy.stats import ks_2samp

    old, new = _values(before), _values(after)
    shifts = []
    for key in sorted(old.keys() & new.keys()):
        if min(len(old[key]), len(new[key])) < FEWEST:
            continue
        statistic, chance = ks_2samp(old[key], new[key])
        shifts.append(
            ScoreShift(
                source=key[0],
                metric=key[1],
                scorer=key[2],
                clips_before=len(old[key]),
                clips_after=len(new[key]),
                median_before=float(np.median(old[key])),
                median_after=float(np.median(new[key])),
                distance=float(statistic),
                chance=float(chance),
            )
        )
    return shifts


def _values(corpus: Corpus) -> dict[tuple[str, str, str], np.ndarray]:
    """Source, metric and scorer -> measured values."""
    sources = pl.DataFrame(
        {"path": [row.path for row in corpus.rows], "source": [row.source for row in corpus.rows]},
        schema={"path": pl.String, "source": pl.String},
    )
    measured = corpus.scores.drop_nulls("value").join(sources, on="path")
    groups = measured.group_by("source", "metric", "scorer", maintain_order=True)
    return {(str(key[0]), str(key[1]), str(key[2])): group["value"].to_numpy() for key, group in groups}
