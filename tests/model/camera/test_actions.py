"""The action language."""

import tracemalloc

import numpy as np
import pytest

from model.camera.actions import ActionSettings, action_to_camera, key_map, parse_action


def test_a_path_has_one_pose_more_than_frames_and_starts_at_the_identity() -> None:
    path = action_to_camera("w-10,none-5")
    assert path.shape == (16, 4, 4)
    assert np.array_equal(path[0], np.eye(4))


def test_key_maps_differ_in_who_turns() -> None:
    turned = action_to_camera("d-30", keys=key_map(2))[-1]
    strafed = action_to_camera("d-30", keys=key_map(1))[-1]
    assert abs(turned[0, 2]) > 0.2
    assert np.allclose(turned[:3, 3], 0)
    assert np.allclose(strafed[:3, :3], np.eye(3))
    assert strafed[0, 3] > 0.5
    with pytest.raises(ValueError, match="version 3 is unknown; known: 1, 2"):
        key_map(3)


def test_pitch_is_limited_and_never_lifts_the_camera() -> None:
    path = action_to_camera("iw-300", ActionSettings(pitch_limit_degrees=30.0))
    pitch = np.degrees(np.arcsin(-path[-1][1, 2]))
    assert abs(abs(pitch) - 30.0) < 1e-6
    assert np.allclose(path[:, 1, 3], 0)


def test_velocity_eases_out_but_not_without_smoothing() -> None:
    smooth = action_to_camera("w-10,none-10")
    sharp = action_to_camera("w-10,none-10", ActionSettings(smooth=False))
    assert np.isclose(sharp[-1, 2, 3], 0.25)
    assert smooth[-1, 2, 3] > 0.3


def test_full_width_comma_is_a_comma() -> None:
    assert parse_action("w-2\N{FULLWIDTH COMMA}none-1", key_map()) == [{"w"}, {"w"}, frozenset()]


@pytest.mark.parametrize("action", ["", "w", "w-", "w-0", "q-5", "w-3,,a-2", "w--3"])
def test_nonsense_is_named(action: str) -> None:
    with pytest.raises(ValueError, match="action segment"):
        action_to_camera(action)


@pytest.mark.parametrize("action", ["w-999999", "w-8184,w-1", ",".join(["w-4000"] * 3)])
def test_a_huge_action_is_refused_before_anything_is_laid_out(action: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"asks for \d+ frames, at most 8184 are allowed"):
            parse_action(action, key_map())
        assert tracemalloc.get_traced_memory()[1] < 50_000
    finally:
        tracemalloc.stop()
    with pytest.raises(ValueError, match="1 to 999999 frames"):
        parse_action("w-9999999", key_map())
