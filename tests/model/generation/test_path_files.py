"""Camera paths from files: usual shapes are read, anything else is named."""

import numpy as np
import pytest

from data_contracts.errors import ErrorCode, InputError
from model.generation.path_files import read_camera, read_camera_file, read_intrinsics_file, read_waypoint_file


def save(path, values):
    np.save(path, values)
    return path


def test_poses_are_held_to_8k_plus_1(tmp_path):
    path = np.tile(np.eye(4), (12, 1, 1))
    path[:, 2, 3] = np.arange(12)
    read = read_camera_file(save(tmp_path / "a.npy", path.astype(np.float32)))
    assert read.shape == (17, 4, 4)
    assert read[-1, 2, 3] == 11


@pytest.mark.parametrize(
    "values",
    [
        np.array([100.0, 101, 50, 40]),
        np.array([[100.0, 0, 50], [0, 101, 40], [0, 0, 1]]),
        np.tile([100.0, 101, 50, 40], (9, 1)),
        np.tile([[100.0, 0, 50], [0, 101, 40], [0, 0, 1]], (5, 1, 1)),
    ],
    ids=["4", "3x3", "F4", "F33"],
)
def test_every_usual_shape_of_intrinsics_is_read(tmp_path, values):
    read = read_intrinsics_file(save(tmp_path / "k.npy", values), 9)
    assert read.shape == (9, 4)
    assert np.array_equal(read[-1], [100, 101, 50, 40])


def test_a_waypoint_file_becomes_a_walk(tmp_path):
    file = tmp_path / "walk.yaml"
    file.write_text("seconds: 2\nwaypoints:\n- {position: [0, 0, 0]}\n- {position: [0, 0, 0.5], yaw: 10}\n")
    path = read_waypoint_file(file)
    assert path.shape == (33, 4, 4)
    assert path[-1, 2, 3] > 0.4
    assert path[-1, 0, 2] > 0.1


@pytest.mark.parametrize(
    "write",
    [
        lambda path: np.save(path, np.zeros((4, 4))),
        lambda path: np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("text"),
        lambda path: path.mkdir(),
    ],
    ids=["one pose", "pickle", "empty", "text", "directory"],
)
def test_what_is_no_pose_array_is_refused(tmp_path, write):
    path = tmp_path / "a.npy"
    write(path)
    with pytest.raises(InputError) as caught:
        read_camera_file(path)
    assert caught.value.code is ErrorCode.CAMERA_INVALID


@pytest.mark.parametrize(
    "text",
    [
        "seconds: 2\nwaypoints: []",
        "seconds: 0\nwaypoints: [{position: [0,0,0]}, {position: [0,0,1]}]",
        "seconds: 2\nwaypoints: [{position: [0,0]}, {position: [0,0,1]}]",
        "seconds: 2\nspeed: 3\nwaypoints: [{position: [0,0,0]}, {position: [0,0,1]}]",
        "{",
        "",
    ],
)
def test_what_is_no_walk_is_refused(tmp_path, text):
    file = tmp_path / "walk.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_waypoint_file(file)
    assert caught.value.code is ErrorCode.CAMERA_INVALID


def test_a_missing_file_is_named(tmp_path):
    for read in (read_camera_file, read_waypoint_file):
        with pytest.raises(InputError, match="absent"):
            read(tmp_path / "absent")


def bench(path, **changes):
    arrays = {
        "c2w": np.tile(np.eye(4, dtype=np.float32), (20, 1, 1)),
        "intrinsics": np.tile(np.array([[100.0, 0, 50], [0, 101, 40], [0, 0, 1]], np.float32), (20, 1, 1)),
        "fps": np.float64(16),
        "num_frames": np.int64(12),
    }
    np.savez(path, **{name: value for name, value in (arrays | changes).items() if value is not None})
    return path


def test_a_bench_export_gives_poses_lenses_and_rate(tmp_path):
    read = read_camera(bench(tmp_path / "a.npz"))
    assert read.camera_to_world.shape == (17, 4, 4)
    assert read.intrinsics is not None
    assert np.array_equal(read.intrinsics[[0, -1]], [[100, 101, 50, 40]] * 2)
    assert read.fps == 16


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"c2w": None}, "has no c2w"),
        ({"num_frames": np.int64(21)}, "num_frames is 21, c2w has 20"),
        ({"num_frames": np.array([1, 2])}, "num_frames must be one number"),
        ({"intrinsics": np.zeros((20, 5))}, r"intrinsics have shape \(12, 5\)"),
        ({"c2w": np.zeros((20, 3, 4))}, r"has shape \(12, 3, 4\)"),
        ({"c2w": np.array([{}], dtype=object)}, "pickle"),
    ],
    ids=["no poses", "too many", "two counts", "lens shape", "pose shape", "pickle"],
)
def test_what_is_no_bench_export_is_named(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_camera(bench(tmp_path / "a.npz", **changes))


def test_a_damaged_bench_export_is_named(tmp_path):
    whole = bench(tmp_path / "a.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"b\.npz"):
        read_camera(tmp_path / "b.npz")


def test_the_field_of_a_wrong_walk_is_named(tmp_path):
    file = tmp_path / "walk.yaml"
    file.write_text("seconds: 99\nwaypoints: [{position: [0,0,0]}, {position: [0,0,1]}]")
    with pytest.raises(InputError, match="field seconds"):
        read_waypoint_file(file)
