"""The camera's speed: what it turns and travels a second, apart from what moves in front of it."""

from pathlib import Path

import numpy as np
import pytest
from textured_road import film_road

from data_contracts.contract_loader import load_contracts
from tasks.filtering.scorers.camera_motion import CameraMotionScorer
from tasks.filtering.scorers.protocol import StoredClip
from tasks.vision.flow import gray_frames

SCORER = CameraMotionScorer(spans=4, pairs=8)
LIMIT = next(rule.minimum for rule in load_contracts().common.quality if rule.id == "camera_static")


def speed(frames, fps=16.0):
    return SCORER.measure(StoredClip(Path("unused"), frames, gray_frames(frames), fps))[0].value


def nowhere(_):
    return 0.0, 0.0


def level(_):
    return 0.0


def sway(seconds):
    return 0.01 * np.sin(5 * seconds)


def resting(frames=25):
    return film_road(nowhere, level, frames, hill=60.0)


def turning(rate, frames=25):
    return film_road(nowhere, lambda t: rate * t, frames, hill=60.0)


def going(metres_a_second, hill=60.0):
    return film_road(lambda t: (0.0, metres_a_second * t), level, hill=hill)


def with_walker(frames, width):
    """Somebody of ``width`` pixels walks through the picture at 64 pixels a second."""
    clothes = np.random.default_rng(7).integers(0, 255, (120, width, 3), np.uint8)
    shown = frames.copy()
    for t, frame in enumerate(shown):
        frame[60:180, 4 * t : 4 * t + width] = clothes[:, : frame.shape[1] - 4 * t]
    return shown


@pytest.mark.parametrize("noise", [0, 2])
@pytest.mark.parametrize("width", [60, 120])
def test_a_camera_at_rest_has_no_speed_whatever_walks_through(width, noise):
    frames = with_walker(resting(), width)
    noisy = frames + np.random.default_rng(0).normal(0, noise, frames.shape)
    assert speed(np.clip(noisy, 0, 255).astype(np.uint8)) < LIMIT


def test_a_slow_pan_is_not_a_camera_at_rest():
    assert speed(turning(0.01)) == pytest.approx(0.01, rel=0.3)


def test_a_turn_has_its_rate():
    assert speed(turning(0.1)) == pytest.approx(0.1, rel=0.1)


def test_sway_is_slower_than_a_walk_and_a_walk_than_a_drive():
    swaying = speed(film_road(lambda t: (0.01 * np.sin(4 * t), 0.0), sway))
    walking = speed(film_road(lambda t: (0.03 * np.sin(6 * t), 1.2 * t), sway))
    driving = speed(film_road(lambda t: (0.0, 8 * t), level))
    assert 10 * swaying < walking
    assert 3 * walking < driving


def test_what_returns_counts_little():
    """A shake of 0.03 rad at 0.8 Hz turns by 0.1 rad a second, there and back."""
    shaken = film_road(nowhere, lambda t: 0.03 * np.sin(2 * np.pi * 0.8 * t), 41, hill=60.0)
    assert speed(shaken) < 0.03


def test_twice_the_speed_has_about_twice_the_value():
    assert speed(going(4.0)) == pytest.approx(2 * speed(going(2.0)), rel=0.3)


def test_a_far_view_does_not_hide_a_drive():
    assert speed(going(8.0, hill=200.0)) > 0.5 * speed(going(8.0))


def test_a_walker_hardly_changes_a_drive():
    driven = going(4.0)
    assert speed(with_walker(driven, 40)) == pytest.approx(speed(driven), rel=0.3)


def test_there_and_back_over_a_whole_clip_counts():
    there_and_back = film_road(nowhere, lambda t: 0.2 * min(t, 5 - t), 81, hill=60.0)
    assert speed(there_and_back) > 0.1


def test_the_unit_is_a_second_whatever_the_frame_rate():
    assert speed(turning(0.1)[::2], fps=8.0) == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("frames", [2, 9])
def test_short_and_black_clips_have_a_value(frames):
    assert speed(turning(0.1, frames)) == pytest.approx(0.1, rel=0.15)
    assert speed(np.zeros((frames, 96, 160, 3), np.uint8)) == 0
