"""Near misses lie on either side of a limit that alone decides about the clip."""

import polars as pl
import pytest

from tasks.vision.near_misses import near_misses

CELLS = {"rule": pl.String, "metric": pl.String, "value": pl.Float64, "minimum": pl.Float64, "maximum": pl.Float64}


def found(status, *cells, share=0.05):
    """``(rule, metric, limit, outcome)`` of the near misses of one clip with these cells."""
    rows = [("a.mp4", "a", *cell, fate(*cell[2:])) for cell in cells]
    schema = {"path": pl.String, "clip_id": pl.String, **CELLS, "outcome": pl.String}
    outcomes = pl.DataFrame(rows, schema=schema, orient="row")
    reasons = sorted({row[2] for row in rows if row[-1] == "fail"})
    verdicts = pl.DataFrame(
        {"path": ["a.mp4"], "status": [status], "reasons": [reasons]},
        schema={"path": pl.String, "status": pl.String, "reasons": pl.List(pl.String)},
    )
    columns = ("rule", "metric", "limit", "outcome")
    return near_misses(verdicts, outcomes, share).select(columns).rows()


def fate(value, minimum, maximum):
    if value is None:
        return "fail"
    inside = (minimum is None or value >= minimum) and (maximum is None or value <= maximum)
    return "pass" if inside else "fail"


@pytest.mark.parametrize(
    ("value", "side", "limit"), [(9.6, "fail", 10.0), (10.4, "pass", 10.0), (19.2, "pass", 20.0), (20.9, "fail", 20.0)]
)
def test_each_side_of_each_end(value, side, limit):
    status = "rejected" if side == "fail" else "accepted"
    assert found(status, ("r", "m", value, 10.0, 20.0)) == [("r", "m", limit, side)]


@pytest.mark.parametrize("value", [9.4, 10.6, 18.9, 21.1])
def test_farther_off_is_none(value):
    assert not found("accepted" if 10 <= value <= 20 else "rejected", ("r", "m", value, 10.0, 20.0))


def test_another_rule_that_rejects_decides():
    assert not found("rejected", ("r", "m", 9.9, 10.0, None), ("far", "n", 0.0, 10.0, None))
    assert not found("rejected", ("r", "m", 10.1, 10.0, None), ("far", "n", 0.0, 10.0, None))


def test_a_rule_is_as_near_as_its_worst_failed_cell():
    both = (("r", "m", 9.9, 10.0, None), ("r", "n", 9.7, 10.0, None))
    assert found("rejected", *both) == [("r", "n", 10.0, "fail")]
    assert not found("rejected", *both, ("r", "o", 2.0, 10.0, None))
    assert not found("rejected", *both, ("r", "o", None, 10.0, None))
    assert not found("rejected", *both, ("r", "o", 0.5, None, 0.0))


def test_a_passed_rule_is_as_near_as_its_nearest_cell():
    cells = (("r", "m", 10.3, 10.0, None), ("r", "n", 10.1, 10.0, None), ("r", "o", 90.0, 10.0, None))
    assert found("accepted", *cells) == [("r", "n", 10.0, "pass")]


@pytest.mark.parametrize("status", ["quarantined", "ready"])
def test_only_clips_that_were_decided_about(status):
    assert not found(status, ("r", "m", 10.1, 10.0, None))


def test_no_number_no_near_miss():
    assert not found("rejected", ("r", "m", float("nan"), 10.0, None))
    assert not found("accepted", ("r", "m", 0.0, None, 0.0))
