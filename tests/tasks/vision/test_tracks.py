"""Tracks stay on their point, without drift; revisits bring lost ones back."""

import numpy as np
import pytest
from textured_room import film_room, gentle_path

from model.geometry.intrinsics import project, unproject
from model.geometry.se3 import inverse
from tasks.vision.revisits import RevisitOptions, add_revisits
from tasks.vision.tracks import TrackingOptions, follow_corners


@pytest.fixture(scope="module")
def shot():
    return film_room(gentle_path(33), np.full(33, 130.0))


def _errors(shot, tracks, first, second):
    """Distance of each track's pixel in ``second`` from where its pixel in ``first`` must go."""
    here, there = tracks.frame_index == first, tracks.frame_index == second
    _, left, right = np.intersect1d(tracks.track_index[here], tracks.track_index[there], return_indices=True)
    pixels, found = tracks.pixels[here][left], tracks.pixels[there][right]
    rows, columns = np.round(pixels).astype(int).T[::-1]
    points = unproject(pixels, shot.depth[first][rows, columns], shot.intrinsics[first])
    move = inverse(shot.camera_to_world[second : second + 1])[0] @ shot.camera_to_world[first]
    return np.linalg.norm(project(points @ move[:3, :3].T + move[:3, 3], shot.intrinsics[second]) - found, axis=-1)


def test_tracks_do_not_drift(shot):
    tracks = follow_corners(shot.frames, TrackingOptions(max_tracks=150))
    near, far = _errors(shot, tracks, 0, 4), _errors(shot, tracks, 0, 28)
    assert len(far) > 20
    assert np.median(near) < 0.25
    assert np.median(far) < 0.35


def test_tracks_are_numbered_and_ordered(shot):
    tracks = follow_corners(shot.frames, TrackingOptions(max_tracks=100, min_length=5))
    assert np.all(np.diff(tracks.frame_index) >= 0)
    lengths = np.bincount(tracks.track_index)
    assert len(lengths) == tracks.count
    assert lengths.min() >= 5
    assert np.bincount(tracks.frame_index).max() <= 100


def test_equal_frames_give_equal_bits(shot):
    first, second = (follow_corners(shot.frames[:9], TrackingOptions(max_tracks=80)) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)


def test_nothing_to_track_is_no_error():
    assert follow_corners(np.zeros((9, 64, 96, 3), np.uint8)).count == 0


def test_a_place_seen_again_is_found_with_its_old_number(shot):
    frames = np.concatenate([shot.frames[:17], np.zeros((4, 96, 160, 3), np.uint8), shot.frames[16::-1]])
    tracks = follow_corners(frames, TrackingOptions(max_tracks=150))
    tied = add_revisits(frames, tracks, RevisitOptions(step=2, min_gap=20, min_matches=12))
    assert len(tied.pixels) > len(tracks.pixels) + 50
    again = np.intersect1d(tied.track_index[tied.frame_index <= 16], tied.track_index[tied.frame_index >= 21])
    assert len(again) > 20
    assert np.all(np.diff(tied.frame_index) >= 0)
