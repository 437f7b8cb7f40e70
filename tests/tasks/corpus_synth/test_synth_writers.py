import csv
import json

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.corpus_synth.kinds import GOOD, PLANTINGS, Kind, Source
from tasks.corpus_synth.raster import render_depth
from tasks.corpus_synth.writers import dl3dv_gs, miradata, omniworld, plain, sekai_game
from tasks.vision.video import read_video

BY_KIND = {planting.kind: planting for planting in PLANTINGS}


def test_plain_has_video_sidecar_and_sensor(short_clip, tmp_path):
    clip = short_clip(BY_KIND[Kind.LICENCE])
    written = plain.write_clip(clip, tmp_path)
    assert written.path == "plain/clip_0004.mp4"
    video = read_video(tmp_path / "clip_0004.mp4")
    assert video.fps == 16
    assert np.abs(video.frames.astype(int) - clip.frames).mean() < 4
    sidecar = json.loads((tmp_path / "clip_0004.json").read_text())
    assert sidecar["licence"] == plain.FORBIDDEN_LICENCE
    with np.load(tmp_path / "clip_0004.sensor_depth.npz") as sensor:
        assert sensor["frames"].tolist() == [0, 8, 16]
        assert sensor["depth"].shape == (3, 24, 40)
        truth = render_depth(clip.scene, clip.track.view(8).resampled(40, 24))
        seen = sensor["depth"][1] > 0
        error = sensor["depth"][1][seen] / 1000 / truth[seen] - 1
    assert 0.7 < seen.mean() < 1
    assert abs(np.median(error)) < 0.002
    assert 0.005 < error.std() < 0.03


def test_miradata_table_points_at_the_video(short_clip, tmp_path):
    written = miradata.write_clip(short_clip(GOOD[Source.MIRADATA]), tmp_path)
    miradata.write_index([written], tmp_path)
    with (tmp_path / "miradata_v1.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert list(row) == list(miradata.HEADER)
    assert (tmp_path / row["file_path"]).exists()
    assert row["frame_number"] == "17"
    assert row["dense_caption"].startswith("A room")


def test_omniworld_depth_and_cameras_decode_to_the_truth(short_clip, tmp_path):
    clip = short_clip(GOOD[Source.OMNIWORLD])
    written = omniworld.write_clip(clip, tmp_path)
    scene = tmp_path / written.row["UID"]
    value = cv2.imread(str(scene / "depth/000008.png"), cv2.IMREAD_UNCHANGED) / 65535
    metres = value / (1000 - value * 999) / 0.004 * written.metres_per_unit
    truth = render_depth(clip.scene, clip.track.view(8))
    assert np.abs(metres / truth - 1).max() < 2e-3
    camera = json.loads((scene / "camera/split_0.json").read_text())
    rotation = Rotation.from_quat(np.array(camera["quats"])[:, [1, 2, 3, 0]]).as_matrix()
    centre = -np.einsum("fji,fj->fi", rotation, np.array(camera["trans"])) * written.metres_per_unit
    np.testing.assert_allclose(centre, clip.track.camera_to_world[:, :3, 3], atol=1e-9)
    np.testing.assert_allclose(rotation.transpose(0, 2, 1), clip.track.camera_to_world[:, :3, :3], atol=1e-12)
    assert camera["cx"] == 160
    color = cv2.imread(str(scene / "color/000008.png"))[..., ::-1]
    np.testing.assert_array_equal(color, clip.frames[8])


@pytest.mark.parametrize(("kind", "low", "high"), [(Kind.SCALE, 2.2, 3.2), (Kind.SCALE_TWIN, 1.5, 1.95)])
def test_planted_scales_vary_on_their_side_of_the_limit(kind, low, high):
    """Eleven sensor frames of which one has other units."""
    scales = np.ones(11)
    scales[4] = omniworld.GLITCH[kind]
    assert low < scales.std() / scales.mean() < high


def test_a_glitch_covers_one_sensor_frame(short_clip):
    sensor = short_clip(BY_KIND[Kind.SCALE]).sensor
    long_sensor = type(sensor)(np.arange(0, 81, 8), np.zeros((11, 24, 40), np.uint16))
    clip = short_clip(BY_KIND[Kind.SCALE], frames=np.zeros((81, 2, 2, 3), np.uint8), sensor=long_sensor)
    glitch = omniworld._glitches(clip)
    assert (glitch[::8] != 1).sum() == 1
    assert (glitch != 1).sum() == 7


@pytest.mark.parametrize("kind", [Kind.FOV, Kind.POSE_ROWS, Kind.POSE_NAN])
def test_sekai_game_cameras(short_clip, tmp_path, kind, monkeypatch):
    clip = short_clip(BY_KIND[kind], frames=short_clip(BY_KIND[kind]).frames.repeat(5, axis=0)[:81])
    track = clip.track
    index = np.minimum(np.arange(81) // 5, 16)
    longer = type(track)(track.camera_to_world[index], track.intrinsics[index], np.arange(81) / 16, 320, 192)
    clip = type(clip)(clip.spec, clip.frames, longer, None, clip.caption, clip.scene, clip.seed)
    written = sekai_game.write_clip(clip, tmp_path)
    with np.load(tmp_path / written.row["cameraFile"]) as cameras:
        extrinsic, intrinsic = cameras["extrinsic"], cameras["intrinsic"]
    assert len(extrinsic) == (75 if kind is Kind.POSE_ROWS else 81)
    assert np.isnan(extrinsic).any() == (kind is Kind.POSE_NAN)
    np.testing.assert_allclose(extrinsic[3, :3, 3] * written.metres_per_unit, longer.camera_to_world[3, :3, 3])
    assert intrinsic[0, 0, 0] * 320 == pytest.approx(longer.intrinsics[0, 0])
    assert intrinsic[0, 0, 2] == pytest.approx(0.5)


def test_a_gaussian_scene_lies_on_what_its_cameras_see(tmp_path):
    spec = dl3dv_gs.SceneSpec(0, single=True)
    written = dl3dv_gs.write_scene(spec, 0, tmp_path)
    home = tmp_path / written.path.split("/")[1]
    content = (home / "point_cloud/iteration_30000/point_cloud.ply").read_bytes()
    header, _, body = content.partition(b"end_header\n")
    assert header.count(b"property float") == 62
    table = np.frombuffer(body, "<f4").reshape(-1, 62)
    assert 5000 < len(table) < 60000
    transforms = json.loads((home / "transforms.json").read_text())
    applied = np.vstack([transforms["applied_transform"], [0, 0, 0, 1]])
    frame = transforms["frames"][dl3dv_gs.TRAINING_FRAMES // 2]
    camera = np.linalg.inv(applied) @ np.array(frame["transform_matrix"]) @ np.diag([1, -1, -1, 1])
    local = (table[:, :3] - camera[:3, 3]) @ camera[:3, :3]
    u = local[:, 0] / local[:, 2] * transforms["fl_x"] + transforms["cx"] - 0.5
    v = local[:, 1] / local[:, 2] * transforms["fl_y"] + transforms["cy"] - 0.5
    assert (local[:, 2] > 0).all()
    assert ((u > -1) & (u < 320) & (v > -1) & (v < 192)).mean() > 0.999
    image = cv2.imread(str(home / frame["file_path"]))[..., ::-1] / 255
    color = table[:, 6:9] * 0.28209479177387814 + 0.5
    seen = cv2.blur(image, (2, 2))[np.clip(np.round(v), 0, 191).astype(int), np.clip(np.round(u), 0, 319).astype(int)]
    assert np.abs(color - seen).mean() < 0.04
    with np.load(tmp_path / f"{home.name}.sensor_depth.npz") as sensor:
        near = sensor["depth"][dl3dv_gs.TRAINING_FRAMES // 2]
    assert np.median(local[:, 2]) * written.metres_per_unit == pytest.approx(np.median(near[near > 0]) / 1000, rel=0.05)
