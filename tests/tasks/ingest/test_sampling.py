"""Clip frames are the native ones nearest in time, and there are 8k+1 of them."""

import pytest

from tasks.ingest.sampling import ClipRate, longest_clip, nearest_in_time
from tasks.vision.video import MediaError, MediaProblem

RATE = ClipRate(16.0, 17, 81)


def sample(fps, frames, verify=0.0):
    return [s.native_index for s in nearest_in_time(((i / fps, i) for i in range(frames)), RATE, verify)]


def test_the_native_rate_is_kept_frame_by_frame():
    assert sample(16, 81) == list(range(81))


def test_other_rates_take_the_nearest_frame():
    assert sample(32, 64) == list(range(0, 64, 2))
    assert sample(8, 5) == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    for fps in (24, 25, 30, 29.97, 60):
        for i, index in enumerate(sample(fps, 200)):
            assert abs(index / fps - i / 16) <= 0.5 / fps + 1e-6


def test_the_length_is_the_longest_that_fits():
    assert [longest_clip(n, RATE) for n in (17, 24, 25, 80, 81, 500)] == [17, 17, 25, 73, 81, 81]
    with pytest.raises(MediaError) as caught:
        longest_clip(16, RATE)
    assert caught.value.problem is MediaProblem.TOO_SHORT


def test_reading_goes_on_behind_the_cut_to_find_damage():
    def damaged():
        for i in range(400):
            if i == 300:
                raise MediaError(MediaProblem.CORRUPT, "here")
            yield i / 16, i

    with pytest.raises(MediaError):
        list(nearest_in_time(damaged(), RATE, verify=60))
    assert len(list(nearest_in_time(damaged(), RATE, verify=10))) == 81
