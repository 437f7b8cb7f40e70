"""Actions become paths of 8k+1 frames, or a coded error."""

from pathlib import Path

import numpy as np
import pytest

from data_contracts.errors import ErrorCode, InputError
from model.generation.action_path import action_camera_path, read_action, walk_forward
from model.generation.frame_count import cut_to_count, hold_to_stride


def test_an_action_is_held_until_the_count_fits():
    path = action_camera_path("w-10,d-10")
    assert len(path) == 25
    assert np.array_equal(path[20], path[24])
    assert not np.array_equal(path[19], path[20])


@pytest.mark.parametrize("action", ["x-10", "w", "w-0", "w-10;d-10", "w-2000", "", "w-99999999999999999999"])
def test_an_unreadable_action_is_coded(action):
    with pytest.raises(InputError) as caught:
        action_camera_path(action)
    assert caught.value.code is ErrorCode.CAMERA_INVALID


def test_a_walk_goes_forward():
    path = walk_forward(65)
    assert len(path) == 65
    assert path[-1, 2, 3] > 1


def test_the_shortest_path_has_nine_frames():
    assert len(hold_to_stride(np.eye(4)[None])) == 9


@pytest.mark.parametrize(
    ("demo", "action"), [(0, "w-100,dw-60,w-100,aw-60"), (1, "w-35,aw-60,dw-100,aw-55,w-25,none-50")]
)
def test_the_published_demo_actions_give_the_published_demo_poses(demo, action):
    file = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "bench" / f"sanawm_demo_{demo}_pose.npy"
    if not file.exists():
        pytest.skip("the published demos are not beside this checkout")
    published = np.load(file)
    poses = action_camera_path(action)[: len(published)]
    assert np.abs(poses - published).max() <= 1e-6
    assert np.abs(read_action(action, version=1).camera_to_world[: len(published)] - published).max() > 0.1


def test_the_key_maps_swap_turning_and_strafing():
    current, first = read_action("a-16", 2), read_action("j-16", 1)
    assert np.array_equal(current.camera_to_world, first.camera_to_world)
    assert (current.key_map, first.key_map) == (2, 1)
    with pytest.raises(InputError, match="key map version 3 is unknown; known: 1, 2"):
        read_action("w-8", 3)


def test_held_keys_stand_beside_the_pose_they_led_to():
    path = read_action("wd-3,none-2")
    assert len(path.held) == len(path.camera_to_world) == 9
    assert path.held == [frozenset()] + [frozenset("wd")] * 3 + [frozenset()] * 5


def test_a_path_is_cut_to_a_count_that_its_mode_can_make():
    path = walk_forward(65)
    assert len(cut_to_count(path, 29, 8)) == 33
    assert len(cut_to_count(path, 30, 24)) == 25
    assert len(cut_to_count(path, 961, 24)) == 49
    with pytest.raises(InputError, match="has 17 poses, this mode needs at least 25"):
        cut_to_count(walk_forward(17), 17, 24)
