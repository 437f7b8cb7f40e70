"""All 42 cells of Table 6 at and beyond their limits: the numbers are typed from the paper, the rules are YAML."""

from itertools import product

import pytest

from data_contracts.clip import ClipRow
from data_contracts.contract_loader import load_contracts
from data_contracts.quality import Outcome, ScoreRow
from tasks.filtering.verdicts import judge, score_frame

STAGES = ("ingest", "screen", "filter")
COLUMNS = {
    "VMAF Motion": ("vmaf_motion", "ffmpeg_vmafmotion"),
    "UniMatch": ("flow", "unimatch"),
    "DOVER": ("technical_quality", "dover"),
    "Color Sat.": ("saturation", "hsv_mean"),
    "Scene Cuts": ("scene_cuts", "pyscenedetect"),
    "VLM Entity": ("entities", "vlm"),
    "VLM Quality": ("quality_flag", "vlm"),
}
# Typed from the paper; None is a dash, and an end it does not print.
TABLE_6 = {
    "omniworld": [(0.5, 100), (3, 100), (0.35, 1.0), None, None, (0, 10), (0.5, 1.5)],
    "sekai_game": [(0.5, 50), (3, 80), (0.25, 1.0), None, None, (0, 10), (0.5, 1.5)],
    "sekai_walking": [(0.5, 50), (3, 50), (0.35, 1.0), (0, 180), None, (0, 25), (0.5, 1.5)],
    "miradata": [(0.5, 50), (3, 80), (0.4, 1.0), (0, 180), (None, 1), None, None],
    "dl3dv_gs": [(6, 50), (3, 80), (0.4, 1.0), (0, 180), (None, 1), None, None],
    "spatialvid": [(0.5, 50), (3, 80), (0.35, 1.0), (0, 180), None, (0, 10), (0.5, 1.5)],
}
CELLS = [
    pytest.param(source, *COLUMNS[column], limits, id=f"{source}-{column}")
    for source, row in TABLE_6.items()
    for column, limits in zip(COLUMNS, row, strict=True)
]
EPS = 1e-6


def outcomes(source, metric, scorer, value):
    """Outcome of every cell of that metric and scorer for one clip, with one score or none."""
    row = ClipRow(path="a.mp4", clip_id="a", source=source)
    score = ScoreRow(
        clip_id="a", path="a.mp4", metric=metric, scorer=scorer, scorer_version="1", resolution="192x320@16",
        value=value,
    )  # fmt: skip
    scores = score_frame([] if value is None else [score])
    judged = judge([row], scores, load_contracts(), STAGES)
    mine = [one for one in judged.iter_rows(named=True) if (one["metric"], one["scorer"]) == (metric, scorer)]
    return [Outcome(one["outcome"]) for one in mine]


def test_there_are_42_cells():
    assert len(CELLS) == 42 == len(list(product(TABLE_6, COLUMNS)))


@pytest.mark.parametrize(("source", "metric", "scorer", "limits"), CELLS)
def test_a_cell_at_its_limits(source, metric, scorer, limits):
    if limits is None:
        assert outcomes(source, metric, scorer, 1e9) == []
        return
    low, high = limits
    assert outcomes(source, metric, scorer, None) == [Outcome.NOT_EVALUATED]
    for inside in (value for value in (low, high) if value is not None):
        assert outcomes(source, metric, scorer, float(inside)) == [Outcome.PASS]
    assert outcomes(source, metric, scorer, high + EPS) == [Outcome.FAIL]
    assert outcomes(source, metric, scorer, (low if low is not None else 0.0) - EPS) == [
        Outcome.PASS if low is None else Outcome.FAIL
    ]
