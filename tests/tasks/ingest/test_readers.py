"""Each source format is read with its own conventions: axes, directions, pixel centres, units."""

import json

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file
from small_sources import FRAMES, HEIGHT, WIDTH, describe, moving_frames, trajectory, write_rows

from data_contracts.annotations import read_annotations
from data_contracts.clip import ClipRow, ItemKind, PoseMode
from data_contracts.errors import InputError
from tasks.ingest.sources import find_sources, list_corpus
from tasks.vision.tables import read_table
from tasks.vision.video import write_video

FX, CX, CY = 80.0, 47.5, 31.5  # pixel centres at integers


def quaternions(rotations):
    """w x y z of rotations about y."""
    half = np.arctan2(rotations[:, 0, 2], rotations[:, 0, 0]) / 2
    zero = np.zeros_like(half)
    return np.stack([np.cos(half), zero, np.sin(half), zero], axis=1)


def row_of(output):
    rows = read_table(output / "clips.parquet", ClipRow)
    assert len(rows) == 1
    return rows[0]


def sensor_depth(path, frames):
    depth = np.full((len(frames), 4, 6), 1500, dtype=np.uint16)
    depth[:, 0, 0] = 0
    np.savez(path, frames=np.array(frames, dtype=np.int64), depth=depth)


def test_omniworld(tmp_path, ingest):
    corpus, scene = tmp_path / "corpus", tmp_path / "corpus" / "omniworld" / "abc"
    describe(corpus / "omniworld", "omniworld", pose_mode="gt_depth", typical_speed=1.2)
    for name in ("color", "depth", "camera"):
        (scene / name).mkdir(parents=True)
    depth_units = np.full((HEIGHT, WIDTH), 12.0)
    stored = 65535 * (1000 * 0.004 * depth_units) / (1 + 999 * 0.004 * depth_units)
    stored[0, 0] = 65535
    for index, frame in enumerate(moving_frames()):
        cv2.imwrite(str(scene / "color" / f"{index:06d}.png"), frame[..., ::-1])
        cv2.imwrite(str(scene / "depth" / f"{index:06d}.png"), stored.round().astype(np.uint16))
    world_from_camera = trajectory()
    camera_from_world = np.linalg.inv(world_from_camera)
    split = {
        "focals": [FX] * FRAMES,
        "cx": CX + 0.5,
        "cy": CY + 0.5,
        "quats": quaternions(camera_from_world[:, :3, :3]).tolist(),
        "trans": camera_from_world[:, :3, 3].tolist(),
    }
    (scene / "camera" / "split_0.json").write_text(json.dumps(split))
    (scene / "split_info.json").write_text(json.dumps({"split": [list(range(FRAMES))]}))
    row = {"UID": "abc", "Video Path": "abc/color", "Annotation Path": "abc", "Img Num": FRAMES, "Split Num": 1}
    write_rows(corpus / "omniworld" / "omniworld_metadata.csv", [row | {"FPS": 16, "Resolution": "96\u00d764"}])
    sensor_depth(corpus / "omniworld" / "abc.sensor_depth.npz", [0, 8, 16])

    output, _ = ingest(corpus)
    clip = row_of(output)
    assert (clip.path, clip.raw_frames, clip.pose_mode, clip.typical_speed) == (
        "omniworld/abc",
        FRAMES,
        PoseMode.GT_DEPTH,
        1.2,
    )
    shipped = read_annotations(output / "annotations" / f"{clip.clip_id}.safetensors")
    assert np.allclose(shipped.camera_to_world, world_from_camera, atol=1e-9)
    assert np.allclose(shipped.intrinsics, [FX, FX, CX, CY])
    assert list(shipped.depth_frames) == [0, 4, 8, 12, 16]
    assert shipped.depth[0, 0, 0] == 0
    assert shipped.depth[:, 1:] == pytest.approx(12.0, rel=0.01)
    assert list(shipped.sensor_depth_frames) == [0, 8, 16]
    assert shipped.sensor_depth[0, 0, 0] == 0
    assert shipped.sensor_depth[0, 1, 1] == pytest.approx(1.5)
    assert (shipped.pose_rows, shipped.native_frames) == (FRAMES, FRAMES)


def sekai(corpus, poses, fps=16, frames=FRAMES, height=HEIGHT, width=WIDTH):
    folder = corpus / "sekai_game"
    describe(folder, "sekai_game", pose_mode="gt_pose")
    write_video(folder / "Walk_0000000_0000017.mp4", moving_frames(3, frames, height, width), fps)
    k = np.array([[FX / WIDTH, 0, (CX + 0.5) / WIDTH], [0, FX / HEIGHT, (CY + 0.5) / HEIGHT], [0, 0, 1]])
    np.savez(folder / "Walk_0000000_0000017.npz", extrinsic=poses, intrinsic=np.tile(k, (len(poses), 1, 1)))
    row = {"videoFile": "Walk_0000000_0000017.mp4", "cameraFile": "Walk_0000000_0000017.npz", "caption": "A hall."}
    write_rows(folder / "sekai-game.csv", [row])


def test_sekai_game_at_twice_the_rate_and_size(tmp_path, ingest):
    poses = trajectory(33)
    sekai(tmp_path / "corpus", poses, fps=32, frames=33, height=2 * HEIGHT, width=2 * WIDTH)
    output, _ = ingest(tmp_path / "corpus")
    clip = row_of(output)
    shipped = read_annotations(output / "annotations" / f"{clip.clip_id}.safetensors")
    assert clip.raw_frames == 17
    assert clip.scene_id == "sekai_game/Walk"
    assert clip.source_caption == "A hall."
    assert np.allclose(shipped.camera_to_world, poses[::2])
    # The normalized matrix says the same of any size.
    assert np.allclose(shipped.intrinsics, [FX, FX, CX, CY])


def test_poses_that_do_not_fit_their_frames_are_not_told_to_any(tmp_path, ingest):
    sekai(tmp_path / "corpus", trajectory(FRAMES - 2))
    output, _ = ingest(tmp_path / "corpus")
    shipped = read_annotations(output / "annotations" / f"{row_of(output).clip_id}.safetensors")
    assert shipped.camera_to_world is None
    assert (shipped.pose_rows, shipped.native_frames) == (FRAMES - 2, FRAMES)


def test_not_a_number_is_kept_and_counted(tmp_path, ingest):
    poses = trajectory()
    poses[5, 0, 3] = np.nan
    sekai(tmp_path / "corpus", poses)
    output, _ = ingest(tmp_path / "corpus")
    shipped = read_annotations(output / "annotations" / f"{row_of(output).clip_id}.safetensors")
    assert shipped.nonfinite_pose_rows == 1
    assert np.isnan(shipped.camera_to_world[5]).any()


def test_a_broken_annotation_quarantines_its_clip(tmp_path, ingest, plain):
    corpus = tmp_path / "corpus"
    sekai(corpus, trajectory())
    (corpus / "sekai_game" / "Walk_0000000_0000017.npz").write_bytes(b"PK not a zip")
    describe(corpus / "plain", "plain")
    (plain / "good.mp4").rename(corpus / "plain" / "good.mp4")
    output, _ = ingest(corpus)
    rows = {row.source: row for row in read_table(output / "clips.parquet", ClipRow)}
    assert rows["sekai_game"].reasons == ["sidecar_invalid"]
    assert "Walk_0000000_0000017.npz" in rows["sekai_game"].detail
    assert rows["plain"].reasons == []


def test_miradata_takes_the_dense_caption_and_never_the_cameras(tmp_path, ingest):
    folder = tmp_path / "corpus" / "miradata"
    describe(folder, "miradata", typical_speed=0.8)
    (folder / "videos").mkdir()
    write_video(folder / "videos" / "a.0.mp4", moving_frames(), 16)
    row = {"clip_id": "a.0", "video_id": "film", "file_path": "videos/a.0.mp4", "dense_caption": "Caf\u00e9 tables."}
    text = "clip_id,video_id,file_path,dense_caption,camera_caption\n"
    text += ",".join(row.values()) + ",The camera pans.\n"
    (folder / "miradata_v1.csv").write_bytes(text.encode("cp1252"))
    clip = row_of(ingest(tmp_path / "corpus")[0])
    assert clip.source_caption == "Caf\u00e9 tables."
    assert clip.scene_id == clip.source_video_id == "miradata/film"


PLY_PROPERTIES = ["x", "y", "z", "opacity"]


def dl3dv(corpus, count=5, written=5):
    folder = corpus / "dl3dv_gs" / "h"
    describe(corpus / "dl3dv_gs", "dl3dv_gs", pose_mode="gt_pose")
    ply = folder / "point_cloud" / "iteration_30000" / "point_cloud.ply"
    ply.parent.mkdir(parents=True)
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    header += [f"property float {name}" for name in PLY_PROPERTIES] + ["end_header", ""]
    ply.write_bytes("\n".join(header).encode() + np.zeros((written, len(PLY_PROPERTIES)), "<f4").tobytes())
    applied = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0]])
    opengl = trajectory(3) @ np.diag([1.0, -1, -1, 1])
    world = np.vstack([applied, [0, 0, 0, 1]]) @ opengl
    frames = [
        {"file_path": f"images/frame_{i + 1:05d}.png", "transform_matrix": m.tolist()} for i, m in enumerate(world)
    ]
    content = {"w": WIDTH, "h": HEIGHT, "fl_x": FX, "fl_y": FX, "cx": CX + 0.5, "cy": CY + 0.5}
    content |= {"applied_transform": applied.tolist(), "frames": frames}
    (folder / "transforms.json").write_text(json.dumps(content))
    write_rows(corpus / "dl3dv_gs" / "DL3DV-valid.csv", [{"hash": "h", "batch": "1K"}])


def test_dl3dv_cameras_are_brought_to_the_plys_world(tmp_path, ingest):
    dl3dv(tmp_path / "corpus")
    output, _ = ingest(tmp_path / "corpus")
    row = row_of(output)
    assert row.kind is ItemKind.SPLAT_SCENE
    tensors = load_file(output / "scenes" / f"{row.clip_id}.safetensors")
    assert np.allclose(tensors["camera_to_world"], trajectory(3))
    assert np.allclose(tensors["intrinsics"], [FX, FX, CX, CY])
    assert (output / "scenes" / f"{row.clip_id}.ply").stat().st_size > 0


def test_a_cut_off_scene_is_told(tmp_path, ingest):
    dl3dv(tmp_path / "corpus", count=9)
    with pytest.raises(InputError, match="1 media_truncated"):
        ingest(tmp_path / "corpus")


def test_a_sidecar_speaks_for_its_video(tmp_path, ingest, plain):
    (plain / "good.json").write_text(
        json.dumps({"caption": "A wall.", "licence": "MIT", "scene_id": "wall", "more": 1})
    )
    row = row_of(ingest(plain)[0])
    assert (row.source_caption, row.licence, row.scene_id, row.pose_mode) == (
        "A wall.",
        "MIT",
        "plain/wall",
        PoseMode.DEFAULT,
    )


def test_truth_and_ground_truth_are_not_sources(tmp_path):
    describe(tmp_path / "plain", "plain")
    (tmp_path / "ground_truth").mkdir()
    (tmp_path / "truth.json").write_text("{}")
    assert [folder.prefix for folder in find_sources(tmp_path)] == ["plain"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "vhs"}, "format"),
        ({"typical_speed": -1}, "typical_speed"),
        ({"typical_speed": 60}, "typical_speed is 60: Input should be less than or equal to 50"),  # centimetres
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_descriptor_names_its_field(tmp_path, change, told):
    describe(tmp_path / "plain", "plain", **change)
    with pytest.raises(InputError, match=told):
        list_corpus(tmp_path)


def test_an_index_cannot_point_outside_its_source(tmp_path):
    folder = tmp_path / "corpus" / "sekai_game"
    describe(folder, "sekai_game")
    (tmp_path / "secret.mp4").write_bytes(b"x")
    write_rows(folder / "sekai-game.csv", [{"videoFile": "../../secret.mp4", "cameraFile": "", "caption": ""}])
    ((_, item),) = list_corpus(tmp_path / "corpus")
    assert item.media_files == ()
    assert "'../../secret.mp4'; expected a path inside the source" in str(item.fault)
