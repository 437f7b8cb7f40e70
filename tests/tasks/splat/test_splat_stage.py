import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import save_file

from data_contracts.clip import ClipRow, ItemKind
from data_contracts.quality import ScoreRow
from data_contracts.splat import TrajectoryFate, TrajectoryRow
from infra.stage import StageContext
from model.geometry.se3 import interpolate_poses
from tasks.splat.config import SplatConfig
from tasks.splat.render_clip import ClipItem, render_clip
from tasks.splat.scene import load_metric_scene
from tasks.splat.stage import run_splat
from tasks.splat.trajectories import look_at
from tasks.vision.gaussians import gaussians_of_points, write_gaussian_ply
from tasks.vision.poses import read_cameras
from tasks.vision.projection import Camera
from tasks.vision.rasterizer import render
from tasks.vision.tables import read_table, write_table
from tasks.vision.video import read_video

METRES_PER_UNIT = 0.4
SIZE = (96, 160)
INTRINSICS = np.array([120.0, 120, 79.5, 47.5])


@pytest.fixture(scope="module")
def config(request):
    path = request.config.rootpath / "workflows/recipes/tiny/splat.yaml"
    small = {"height": 96, "width": 160, "frames": 9, "near_view_paths": 1, "family_paths": 2, "clips_per_scene": 2}
    return SplatConfig.model_validate(yaml.safe_load(path.read_text()) | small)


def cameras(views=6):
    positions = np.stack([np.linspace(-1, 1, views), np.zeros(views), np.full(views, -4.0)], axis=1)
    return look_at(positions, np.zeros((views, 3)), np.array([0.0, -1, 0]))


def write_scene(folder, name, sensor):
    """A slanted, colored wall of Gaussians, in units of 0.4 m, with the sensor depth of its plane."""
    generator = np.random.default_rng(0)
    x, y = generator.uniform(-4, 4, 5000), generator.uniform(-3, 3, 5000)
    points = torch.from_numpy(np.stack([x, y, 0.4 * x], axis=1)).float()
    colors = torch.from_numpy(np.stack([np.sin(2 * x), np.cos(3 * y), np.sin(x + y)], axis=1) * 0.4 + 0.5).float()
    write_gaussian_ply(folder / f"{name}.ply", gaussians_of_points(points, colors, size=0.06))
    poses = cameras()
    tensors = {
        "camera_to_world": poses,
        "intrinsics": np.tile(INTRINSICS, (len(poses), 1)),
        "size": np.array(SIZE, dtype=np.int64),
    }
    if sensor:
        maps = np.stack([plane_depth(pose) for pose in poses]) * METRES_PER_UNIT
        maps *= 1 + 0.01 * generator.standard_normal(maps.shape)
        tensors |= {"sensor_depth": maps.astype(np.float32), "sensor_depth_frames": np.arange(len(poses))}
    save_file(tensors, folder / f"{name}.safetensors")


def plane_depth(pose, cells=(24, 40)):
    """z-depth of the plane z = 0.4 x along the rays of the sensor's cells."""
    v, u = np.mgrid[0 : cells[0], 0 : cells[1]]
    x = ((u + 0.5) * SIZE[1] / cells[1] - 0.5 - INTRINSICS[2]) / INTRINSICS[0]
    y = ((v + 0.5) * SIZE[0] / cells[0] - 0.5 - INTRINSICS[3]) / INTRINSICS[1]
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ pose[:3, :3].T
    normal = np.array([0.4, 0, -1])
    return -(pose[:3, 3] @ normal) / (rays @ normal)


def scene_row(name, path):
    return ClipRow(
        path=path, source="dl3dv_gs", kind=ItemKind.SPLAT_SCENE, clip_id=name, media_digest=name * 4, scene_id=path,
        source_video_id=path, split="val", licence="CC-BY-NC-4.0",
    )  # fmt: skip


@pytest.fixture(scope="module")
def ingest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ingest")
    (folder / "scenes").mkdir()
    rows = []
    for name, sensor in (("00aa00aa00aa00aa", True), ("11bb11bb11bb11bb", False)):
        write_scene(folder / "scenes", name, sensor)
        rows.append(scene_row(name, f"dl3dv_gs/{name[:4]}"))
    (folder / "scenes" / "22cc22cc22cc22cc.ply").write_bytes(b"ply\nnot really\nend_header\n")
    rows.append(scene_row("22cc22cc22cc22cc", "dl3dv_gs/22cc"))
    write_table(folder / "clips.parquet", [*rows, ClipRow(path="plain/a.mp4", source="plain")], ClipRow)
    return folder


def run(ingest, config, directory, workers=1):
    (directory / "out").mkdir(parents=True)
    context = StageContext(
        "splat", {"ingest": ingest}, {"splat": directory / "out"}, config, cache=directory / "cache", workers=workers
    )
    return run_splat(context), directory / "out"


def test_metric_scale_is_measured_on_the_surface(ingest):
    scene = load_metric_scene(ingest / "scenes/00aa00aa00aa00aa.ply", ingest / "scenes/00aa00aa00aa00aa.safetensors")
    assert scene.metres_per_unit == pytest.approx(METRES_PER_UNIT, rel=0.005)
    assert np.allclose(scene.views.camera_to_world[:, :3, 3], cameras()[:, :3, 3] * scene.metres_per_unit)


def test_scenes_become_clips_and_every_candidate_has_a_fate(ingest, config, tmp_path):
    summary, output = run(ingest, config, tmp_path)
    clips = read_table(output / "clips.parquet", ClipRow)
    rows = read_table(output / "trajectories.parquet", TrajectoryRow)
    fates = [row.fate for row in rows]
    assert summary.items == len(clips) == 2
    assert fates.count(TrajectoryFate.NO_METRIC_SCALE) == 1
    assert fates.count(TrajectoryFate.SCENE_UNUSABLE) == 1
    assert fates.count(TrajectoryFate.RENDERED) == 2
    assert fates.count(TrajectoryFate.NOT_CHOSEN) == 1
    assert {(c.split, c.licence, c.source) for c in clips} == {("val", "CC-BY-NC-4.0", "dl3dv_gs")}
    assert {score.metric for score in read_table(output / "scores.parquet", ScoreRow)} >= {"first_frame_black"}
    for clip in clips:
        assert read_video(output / "media" / f"{clip.clip_id}.mp4").frames.shape == (9, 96, 160, 3)
        assert (output / "thumbnails" / f"{clip.clip_id}.jpg").stat().st_size > 500


def test_stored_cameras_are_those_of_the_pictures(ingest, config, tmp_path):
    """Rendering the scene again from the stored poses, put back at the first one, gives the stored frames."""
    ply = ingest / "scenes/00aa00aa00aa00aa.ply"
    scene = load_metric_scene(ply, ply.with_suffix(".safetensors"))
    path = interpolate_poses(np.arange(6.0), scene.views.camera_to_world, np.linspace(1, 4, 9))
    record = render_clip(ClipItem(ply, scene.metres_per_unit, path, INTRINSICS, config), tmp_path)
    stored = read_cameras(tmp_path / "poses" / f"{record['clip_id']}.safetensors", 9)
    frames = read_video(tmp_path / "media" / f"{record['clip_id']}.mp4").frames.astype(np.float32) / 255
    again = [picture(scene, path[0] @ pose, stored.intrinsics[0]) for pose in stored.camera_to_world[[0, 8]]]
    assert np.abs(again[0] - frames[0]).mean() < 0.04
    assert np.abs(again[1] - frames[8]).mean() < 0.04
    assert np.abs(again[0] - frames[8]).mean() > 0.08


def picture(scene, pose, intrinsics):
    camera = Camera.at(torch.from_numpy(pose), torch.from_numpy(intrinsics), *SIZE)
    rendering = render(scene.gaussians, camera)
    return (rendering.color / rendering.alpha[..., None].clamp(min=0.2)).clamp(0, 1).numpy()


def test_bytes_do_not_depend_on_workers(ingest, config, tmp_path):
    _, one = run(ingest, config, tmp_path / "a")
    _, two = run(ingest, config, tmp_path / "b", workers=2)
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(two) for p in two.rglob("*") if p.is_file())
    assert all((one / f).read_bytes() == (two / f).read_bytes() for f in files)


def test_near_blank_clips_are_discarded(ingest, config, tmp_path):
    strict = config.model_copy(update={"blank_cover": 1.0, "near_blank_maximum": 0.0, "coverage_minimum": 0.0})
    summary, output = run(ingest, strict, tmp_path)
    fates = {row.fate for row in read_table(output / "trajectories.parquet", TrajectoryRow)}
    assert TrajectoryFate.NEAR_BLANK in fates
    assert summary.items == len(list((output / "media").iterdir()))


def test_corpus_without_scenes(config, tmp_path):
    folder = tmp_path / "ingest"
    folder.mkdir()
    write_table(folder / "clips.parquet", [ClipRow(path="plain/a.mp4", source="plain")], ClipRow)
    summary, output = run(folder, config, tmp_path / "run")
    assert (summary.items, summary.note) == (0, "the corpus holds no Gaussian scenes")
    assert read_table(output / "clips.parquet", ClipRow) == []
