"""Two corpora: fates by path, shifts by source, and none between a corpus and itself."""

import numpy as np
import pytest

from data_contracts.clip import ClipRow, ClipStatus
from data_contracts.quality import ScoreRow, VerdictRow
from tasks.filtering.corpus_diff import diff_corpora
from tasks.filtering.report import Corpus
from tasks.filtering.verdicts import score_frame


def corpus(shift=0.0, fates=(), dropped=()):
    draw = np.random.default_rng(0)
    rows, scores, found = [], [], []
    for index in range(120):
        path, source = f"{index:03}.mp4", ("one", "two")[index % 2]
        motion, light = draw.normal(size=2)
        if path in dropped:
            continue
        rows.append(ClipRow(path=path, source=source, clip_id=path[:3]))
        for metric, value in (("motion", motion + (shift if source == "two" else 0)), ("light", light)):
            scores.append(
                ScoreRow(clip_id=path[:3], path=path, metric=metric, scorer="s", scorer_version="1", resolution="any",
                         value=float(value))
            )  # fmt: skip
        reasons = ["motion"] if path in fates else []
        status = ClipStatus.REJECTED if reasons else ClipStatus.ACCEPTED
        found.append(VerdictRow(path=path, clip_id=path[:3], source=source, status=status, reasons=reasons))
    return Corpus(rows, score_frame(scores), found, ("screen",), ())


def test_a_corpus_does_not_differ_from_itself():
    diff = diff_corpora(corpus(), corpus())
    assert diff.fates == []
    assert {shift.distance for shift in diff.shifts} == {0.0}
    assert len(diff.shifts) == 4


def test_a_shift_is_told_of_its_source_and_metric_alone():
    diff = diff_corpora(corpus(), corpus(shift=1.5))
    first, *others = diff.shifts
    assert (first.source, first.metric) == ("two", "motion")
    assert first.median_after - first.median_before == pytest.approx(1.5)
    assert first.distance > 0.4
    assert first.chance < 1e-3
    assert all(shift.distance == 0 for shift in others)


def test_fates_by_path_absent_ones_too():
    diff = diff_corpora(corpus(fates=("004.mp4",)), corpus(fates=("008.mp4",), dropped=("010.mp4",)))
    told = [(one.path, one.before, one.after, one.reasons_before, one.reasons_after) for one in diff.fates]
    assert told == [
        ("004.mp4", "rejected", "accepted", ["motion"], []),
        ("008.mp4", "accepted", "rejected", [], ["motion"]),
        ("010.mp4", "accepted", "absent", [], []),
    ]
    assert (diff.clips_before, diff.clips_after) == (120, 119)
