"""UniMatch flow: the pairs of App. B.3, in pixels of the stored clip, from a network that can be told by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
from tiny_onnx import save_flow

from data_contracts.errors import InputError
from tasks.filtering.config import ModelScorers
from tasks.filtering.scorers.models import model_scorers
from tasks.filtering.scorers.protocol import StoredClip


def clip_of(frames, fps=16.0):
    return StoredClip(Path("unused"), frames, frames[..., 0], fps)


def brightening(count, red=1, blue=2, size=(64, 96)):
    """Uniform frames: red and blue grow by so many levels a frame, so each pixel of the tiny network moves by that."""
    steps = np.arange(count)
    frames = np.zeros((count, *size, 3), np.uint8)
    frames[..., 0] = (steps * red).astype(np.uint8)[:, None, None]
    frames[..., 2] = (steps * blue).astype(np.uint8)[:, None, None]
    return frames


def scorer(file, **changes):
    (made,) = model_scorers(ModelScorers(unimatch=file, **changes))
    return made


def measured(file, frames, fps=16.0, **changes):
    (found,) = scorer(file, **changes).measure(clip_of(frames, fps))
    return found


def test_the_length_of_the_flow_is_exact(tmp_path):
    found = measured(save_flow(tmp_path / "f.onnx"), brightening(33))
    assert found.metric == "flow"
    assert found.value == pytest.approx(math.hypot(8, 16))  # half a second is 8 frames
    assert found.detail == "4 pairs at 64x96"


@pytest.mark.parametrize("rows", [1, 2])
def test_only_the_forward_flow_counts(tmp_path, rows):
    frames = brightening(9)
    frames[8, :32] = frames[0, :32]  # the upper half stands still
    assert measured(save_flow(tmp_path / "f.onnx", rows=rows), frames).value == pytest.approx(math.hypot(8, 16) / 2)


@pytest.mark.parametrize(
    ("fixed", "asked", "seen"),
    [
        (("height", "width"), {}, (64, 128)),
        (("height", "width"), {"unimatch_height": 32, "unimatch_width": 224}, (32, 224)),
        ((48, 80), {}, (48, 80)),
        ((48, "width"), {"unimatch_height": 0, "unimatch_width": 64}, (48, 64)),
    ],
    ids=["rounded up", "asked", "fixed", "mixed"],
)
def test_the_flow_is_told_in_pixels_of_the_stored_size(tmp_path, fixed, asked, seen):
    found = measured(save_flow(tmp_path / "f.onnx", fixed), brightening(9, size=(50, 100)), **asked)
    assert found.value == pytest.approx(math.hypot(8 * 100 / seen[1], 16 * 50 / seen[0]))
    assert found.detail == f"1 pairs at {seen[0]}x{seen[1]}"


def test_a_size_that_the_file_cannot_take_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"unimatch_height is 64; .* takes 48 alone"):
        scorer(save_flow(tmp_path / "f.onnx", (48, 80)), unimatch_height=64)


@pytest.mark.parametrize(
    ("frames", "fps", "pairs"),
    [(961, 16.0, 120), (1200, 16.0, 120), (161, 16.0, 20), (9, 16.0, 1), (61, 30.0, 4), (5, 2.0, 4)],
)
def test_pairs_lie_half_a_second_apart_across_the_first_minute(tmp_path, frames, fps, pairs):
    """Against a loop over seconds."""
    step = round(fps / 2)
    values = np.random.default_rng(frames).integers(0, 255, frames).astype(np.uint8)
    clip = np.zeros((frames, 8, 8, 3), np.uint8)
    clip[..., 0] = values[:, None, None]
    lengths, seconds = [], 0.0
    while seconds + 0.5 <= 60 and round((seconds + 0.5) * fps) < frames:
        start = round(seconds * fps)
        lengths.append(abs(int(values[start + step]) - int(values[start])))
        seconds += 0.5
    found = measured(save_flow(tmp_path / "f.onnx", (8, 8)), clip, fps)
    assert len(lengths) == pairs
    assert found.value == pytest.approx(np.mean(lengths))
    assert found.worst_frame == int(np.argmin(lengths)) * step
    assert found.detail.startswith(f"{pairs} pairs")


def test_fewer_pairs_are_spread_over_the_clip(tmp_path):
    clip = np.zeros((161, 8, 8, 3), np.uint8)
    clip[:, ..., 0] = (np.arange(161) // 8 == 20)[:, None, None] * 90  # only the last frame differs
    file = save_flow(tmp_path / "f.onnx", (8, 8))
    assert measured(file, clip, unimatch_pairs=2).value == 45
    assert measured(file, clip, unimatch_pairs=5).value == 18


def test_what_cannot_be_measured_has_no_value_and_says_why(tmp_path):
    short = measured(save_flow(tmp_path / "f.onnx"), brightening(8))
    assert (short.value, short.detail) == (None, "8 frames hold no pair 0.5 s apart")
    broken = measured(save_flow(tmp_path / "g.onnx", divisor=0.0), brightening(9))
    assert (broken.value, broken.detail) == (None, "the flow of 1 pairs at 64x96 is not finite")
