"""Actions become paths of 8k+1 frames, or a coded error."""

import numpy as np
import pytest

from data_contracts.errors import ErrorCode, InputError
from model.generation.action_path import action_camera_path, hold_to_stride, walk_forward


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
