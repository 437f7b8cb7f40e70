"""UniMatch and DOVER in the screen: rows that say what measured, cells of Table 6 that wake, missing scores."""

import polars as pl
import pytest
from small_sources import moving_frames
from tiny_onnx import save_dover, save_flow

from data_contracts.clip import ClipRow, ClipStatus
from data_contracts.contract_loader import load_contracts
from data_contracts.errors import InputError
from data_contracts.licence import Use
from tasks.filtering.config import ModelScorers, ScreenConfig
from tasks.filtering.measure import MeasureWork, measure_clip, score_rows
from tasks.filtering.verdicts import judge, score_frame, verdicts
from tasks.vision.video import write_video

CELLS = ("dover", "unimatch")
SOURCES = ("dl3dv_gs", "miradata", "omniworld", "sekai_game", "sekai_walking", "spatialvid")


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    write_video(path, moving_frames(1, 17), 16)
    return path


def row_of(source):
    return ClipRow(path=f"{source}/clip.mp4", source=source, clip_id="c1", status=ClipStatus.READY)


def scored(media, models, folder, source="sekai_walking"):
    record = measure_clip(MeasureWork("c1", media, None, 48, models), folder)
    return score_rows(row_of(source), record)


def cells(scores, source):
    outcomes = judge([row_of(source)], score_frame(scores), load_contracts(), ("screen",))
    found = outcomes.filter(pl.col("rule").is_in(CELLS))
    return {row["rule"]: row["outcome"] for row in found.iter_rows(named=True)}, outcomes


def test_a_score_row_says_scorer_version_weights_and_resolution(media, tmp_path):
    models = ModelScorers(unimatch=save_flow(tmp_path / "f.onnx"), dover=save_dover(tmp_path / "d.onnx"))
    rows = {row.scorer: row for row in scored(media, models, tmp_path) if row.scorer in CELLS}
    assert {(row.scorer, row.metric) for row in rows.values()} == {("unimatch", "flow"), ("dover", "technical_quality")}
    assert rows["unimatch"].weights_digest == models.unimatch.sha256
    assert rows["dover"].weights_digest == models.dover.sha256
    height, width = moving_frames(1, 1).shape[1:3]
    for row in rows.values():
        assert (row.scorer_version, row.resolution) == ("1", f"{height}x{width}@16")
        assert row.value is not None


@pytest.mark.parametrize("source", SOURCES)
def test_the_cells_of_table_6_wake_with_their_scorers(media, tmp_path, source):
    both = ModelScorers(
        unimatch=save_flow(tmp_path / "f.onnx", divisor=8.0), dover=save_dover(tmp_path / "d.onnx", divisor=-100.0)
    )
    for models, awake in (
        (ModelScorers(), ()),
        (both.model_copy(update={"dover": None}), ("unimatch",)),
        (both.model_copy(update={"unimatch": None}), ("dover",)),
        (both, CELLS),
    ):
        folder = tmp_path / "-".join(("made", *awake))
        folder.mkdir()
        found, _ = cells(scored(media, models, folder, source), source)
        assert found == {cell: "pass" if cell in awake else "not_evaluated" for cell in CELLS}


def test_a_score_outside_its_range_rejects(media, tmp_path):
    scores = scored(media, ModelScorers(unimatch=save_flow(tmp_path / "f.onnx", divisor=1e6)), tmp_path)
    assert next(row.value for row in scores if row.scorer == "unimatch") < 3
    found, _ = cells(scores, "sekai_walking")
    assert found["unimatch"] == "fail"


def test_a_clip_without_a_required_score_is_rejected_with_that_reason(media, tmp_path):
    models = ModelScorers(
        unimatch=save_flow(tmp_path / "f.onnx", divisor=0.0), dover=save_dover(tmp_path / "d.onnx", divisor=0.0)
    )
    scores = scored(media, models, tmp_path)
    missing = {row.scorer: row for row in scores if row.value is None}
    assert set(missing) == set(CELLS)
    assert all("not finite" in row.detail for row in missing.values())
    found, outcomes = cells(scores, "sekai_walking")
    assert found == dict.fromkeys(CELLS, "fail")
    (verdict,) = verdicts([row_of("sekai_walking")], outcomes)
    assert verdict.status is ClipStatus.REJECTED
    assert set(CELLS) <= set(verdict.reasons)


def test_weights_that_are_not_there_stop_the_stage_and_blame_no_clip(media, tmp_path):
    file = save_flow(tmp_path / "f.onnx")
    (tmp_path / "f.onnx").unlink()
    with pytest.raises(InputError, match=r"f\.onnx cannot be read"):
        scored(media, ModelScorers(unimatch=file), tmp_path)


def test_other_weights_are_another_configuration(tmp_path):
    """So that neither a stage nor a clip is taken from the cache of the old ones."""
    first = save_flow(tmp_path / "f.onnx")
    second = save_flow(tmp_path / "f.onnx", divisor=2.0)
    assert first.path == second.path
    made = [
        ScreenConfig(use=Use.RESEARCH, thumbnail_width=48, models=ModelScorers(unimatch=file)).model_dump(mode="json")
        for file in (first, second)
    ]
    assert made[0] != made[1]
