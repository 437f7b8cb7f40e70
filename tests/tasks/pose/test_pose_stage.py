"""The pose stage on a small ``ingest`` artifact: three modes, planted scales, priors, refusals, equal bytes."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file
from textured_room import film_room, gentle_path

from data_contracts.annotations import SourceAnnotations, write_annotations
from data_contracts.camera import IntrinsicsSource, PoseReason, PoseRow, PoseStatus, ScaleSource
from data_contracts.clip import ClipRow, ClipStatus, ItemKind, PoseMode
from data_contracts.quality import VerdictRow
from infra.stage import StageContext
from model.geometry.pose_metrics import path_accuracy
from model.geometry.se3 import path_length, rigid
from tasks.pose.config import PoseConfig
from tasks.pose.stage import clips_to_pose, run_pose
from tasks.vision.poses import read_cameras
from tasks.vision.tables import read_table, write_table
from tasks.vision.video import write_video

RECIPE = Path(__file__).parents[3] / "workflows" / "recipes" / "tiny" / "pose.yaml"
FRAMES, UNIT = 33, 4.0  # frames of a clip; metres in a unit of the source


def _row(clip_id, mode, **more):
    known = {"source": "plain", "media_digest": clip_id, "raw_frames": FRAMES, "fps": 16.0, "height": 96, "width": 160}
    return ClipRow(path=f"{clip_id}.mp4", clip_id=clip_id, pose_mode=mode, typical_speed=0.5, **{**known, **more})


def _shipped(shot, **more):
    """Source annotations in the source's unit, and sensor depth in metres with one percent of noise."""
    poses = rigid(shot.camera_to_world[:, :3, :3], shot.camera_to_world[:, :3, 3] / UNIT)
    index = np.arange(0, FRAMES, 4)
    coarse = shot.depth[index].reshape(len(index), 24, 4, 40, 4).mean(axis=(2, 4))
    noisy = coarse * (1 + 0.01 * np.random.default_rng(0).normal(size=coarse.shape))
    fields = {
        "camera_to_world": poses,
        "intrinsics": shot.intrinsics,
        "depth": (shot.depth[index] / UNIT).astype(np.float32),
        "depth_frames": index,
        "sensor_depth": noisy.astype(np.float32),
        "sensor_depth_frames": index,
        "pose_rows": FRAMES,
        "native_frames": FRAMES,
    }
    return SourceAnnotations(**{**fields, **more})


def _only_sensor(shipped):
    return SourceAnnotations(sensor_depth=shipped.sensor_depth, sensor_depth_frames=shipped.sensor_depth_frames)


@pytest.fixture(scope="module")
def shot():
    return film_room(gentle_path(FRAMES), np.full(FRAMES, 140.0))


@pytest.fixture(scope="module")
def corpus(shot, tmp_path_factory):
    """``ingest`` and ``screen`` with nine clips that share pixels."""
    root = tmp_path_factory.mktemp("pose")
    shipped = _shipped(shot)
    broken = shipped.camera_to_world.copy()
    broken[3] = np.nan
    bent = shipped.camera_to_world.copy()
    bent[5, 0, 0] += 0.2
    clips = {
        "pixels": (PoseMode.DEFAULT, _only_sensor(shipped)),
        "prior": (PoseMode.GT_POSE, _shipped(shot, sensor_depth=None, sensor_depth_frames=None)),
        "game_depth": (PoseMode.GT_DEPTH, shipped),
        "game_pose": (PoseMode.GT_POSE, shipped),
        "nan": (PoseMode.GT_POSE, _shipped(shot, camera_to_world=broken, nonfinite_pose_rows=1)),
        "rows": (PoseMode.GT_POSE, _shipped(shot, camera_to_world=None, pose_rows=30)),
        "bent": (PoseMode.GT_POSE, _shipped(shot, camera_to_world=bent)),
        "bare": (PoseMode.GT_DEPTH, SourceAnnotations()),
        "rejected": (PoseMode.GT_POSE, shipped),
    }
    for clip_id, (_, annotations) in clips.items():
        path = root / "ingest" / "media" / f"{clip_id}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, shot.frames, 16.0, 10)
        if not annotations.is_empty:
            write_annotations(root / "ingest" / "annotations" / f"{clip_id}.safetensors", annotations)
    rows = [_row(clip_id, mode) for clip_id, (mode, _) in clips.items()]
    rows.append(_row("", PoseMode.DEFAULT, status=ClipStatus.QUARANTINED))
    write_table(root / "ingest" / "clips.parquet", rows, ClipRow)
    lost = VerdictRow(
        path="rejected.mp4", clip_id="rejected", source="plain", status=ClipStatus.REJECTED, reasons=["luma_low"]
    )
    write_table(root / "screen" / "verdicts.parquet", [lost], VerdictRow)
    return root


def _run(corpus, name):
    output = corpus / name
    output.mkdir()
    config = PoseConfig(**yaml.safe_load(RECIPE.read_text())).model_copy(update={"max_tracks": 200, "max_points": 200})
    inputs = {"ingest": corpus / "ingest", "screen": corpus / "screen"}
    summary = run_pose(StageContext("pose", inputs, {"pose": output}, config))
    return summary, {row.clip_id: row for row in read_table(output / "poses.parquet", PoseRow)}, output


@pytest.fixture(scope="module")
def posed(corpus):
    return _run(corpus, "pose")


@pytest.mark.parametrize("clip", ["pixels", "game_depth", "game_pose"])
def test_planted_metric_scale_is_within_two_percent(posed, shot, clip):
    _, rows, output = posed
    row = rows[clip]
    assert row.status is PoseStatus.OK
    assert row.scale_source is ScaleSource.SENSOR_DEPTH
    assert row.scale_frames == 9
    assert row.scale_cov < 0.05
    cameras = read_cameras(output / "poses" / f"{clip}.safetensors", FRAMES)
    accuracy = path_accuracy(cameras.camera_to_world, shot.camera_to_world)
    assert accuracy.scale == pytest.approx(1, rel=0.02)
    assert accuracy.rotation_rmse_deg < 1.0
    assert accuracy.translation_rmse_relative < 0.01
    assert row.path_length_m == pytest.approx(path_length(shot.camera_to_world), rel=0.03)


def test_cameras_start_at_the_identity_and_raw_scales_are_kept(posed):
    _, _, output = posed
    tensors = load_file(output / "poses" / "game_pose.safetensors")
    assert np.array_equal(tensors["camera_to_world"][0], np.eye(4))
    assert tensors["camera_to_world"].dtype == np.float64
    assert len(tensors["scale_factors"]) == len(tensors["scale_frames"]) == 9
    assert np.median(tensors["scale_factors"]) == pytest.approx(UNIT, rel=0.02)
    assert tensors["registered"].all()


def test_without_sensor_depth_the_typical_speed_is_a_marked_prior(posed):
    _, rows, _ = posed
    row = rows["prior"]
    assert row.scale_source is ScaleSource.SPEED_PRIOR
    assert row.scale_cov is None
    assert row.path_length_m == pytest.approx(0.5 * (FRAMES - 1) / 16, rel=1e-6)


def test_declared_intrinsics_decide_the_lens_measures(posed):
    _, rows, _ = posed
    declared, estimated = rows["game_pose"], rows["pixels"]
    assert declared.intrinsics_source is IntrinsicsSource.DECLARED
    assert declared.fov_x_min == pytest.approx(2 * np.degrees(np.arctan(160 / 280)))
    assert declared.focal_mismatch == 0
    assert estimated.intrinsics_source is IntrinsicsSource.ESTIMATED
    assert estimated.fov_x_min == pytest.approx(declared.fov_x_min, abs=3)


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        ("nan", PoseReason.POSE_NOT_FINITE),
        ("rows", PoseReason.POSE_ROWS),
        ("bent", PoseReason.POSE_NOT_RIGID),
        ("bare", PoseReason.ANNOTATION_MISSING),
    ],
)
def test_a_clip_without_cameras_is_a_row_with_its_reason(posed, clip, reason):
    summary, rows, output = posed
    assert rows[clip].status is PoseStatus.FAILED
    assert rows[clip].reason is reason
    assert rows[clip].detail
    assert not (output / "poses" / f"{clip}.safetensors").exists()
    assert summary.metrics["failed"] == 4


def test_what_the_screen_rejects_is_not_posed(posed):
    summary, rows, _ = posed
    assert "rejected" not in rows
    assert summary.items == 8
    twins = [
        _row("one", PoseMode.DEFAULT),
        _row("one", PoseMode.DEFAULT),
        _row("x", PoseMode.DEFAULT, kind=ItemKind.SPLAT_SCENE),
    ]
    assert [row.clip_id for row in clips_to_pose(twins, [])] == ["one"]


def test_the_same_inputs_give_the_same_bytes(corpus, posed):
    _, _, output = posed
    again = _run(corpus, "again")[2]
    assert _digests(again) == _digests(output)


def _digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
