"""DOVER: the views against plain loops, the fused score against the formula, chunks of five seconds."""

import math
from pathlib import Path

import numpy as np
import pytest
from tiny_onnx import VIEW, save_dover

from tasks.filtering.config import ModelScorers
from tasks.filtering.scorers.dover import fuse
from tasks.filtering.scorers.dover_views import (
    aesthetic_frames,
    aesthetic_view,
    fragments,
    technical_frames,
    technical_view,
)
from tasks.filtering.scorers.models import model_scorers
from tasks.filtering.scorers.protocol import StoredClip

MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def noise(frames, height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def uniform(values, size=(32, 48)):
    return np.tile(np.array(values, np.uint8)[:, None, None, None], (1, *size, 3))


def measured(file, frames, fps=16.0):
    (scorer,) = model_scorers(ModelScorers(dover=file))
    (found,) = scorer.measure(StoredClip(Path("unused"), frames, frames[..., 0], fps))
    return found


@pytest.mark.parametrize(("height", "width"), [(224, 224), (225, 300), (352, 640), (251, 1001)])
def test_fragments_are_the_middles_of_the_cells(height, width):
    (frame,) = noise(1, height, width)
    expected = np.zeros((224, 224, 3), np.uint8)
    for row in range(7):
        top, bottom = math.floor(row * height / 7), math.floor((row + 1) * height / 7)
        for column in range(7):
            left, right = math.floor(column * width / 7), math.floor((column + 1) * width / 7)
            y, x = top + (bottom - top - 32) // 2, left + (right - left - 32) // 2
            expected[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32] = frame[y : y + 32, x : x + 32]
    np.testing.assert_array_equal(fragments(frame), expected)


def bilinear(frame, height, width):
    """Pixel by pixel, pixel centres at halves, edges repeated."""
    out = np.zeros((height, width, 3))
    for i in range(height):
        for j in range(width):
            y = min(max((i + 0.5) * frame.shape[0] / height - 0.5, 0), frame.shape[0] - 1)
            x = min(max((j + 0.5) * frame.shape[1] / width - 0.5, 0), frame.shape[1] - 1)
            top, left = min(int(y), frame.shape[0] - 2), min(int(x), frame.shape[1] - 2)
            square = frame[top : top + 2, left : left + 2].astype(float)
            rows = square[0] * (1 - (y - top)) + square[1] * (y - top)
            out[i, j] = rows[0] * (1 - (x - left)) + rows[1] * (x - left)
    return out


def test_a_small_frame_is_enlarged_until_its_short_side_has_the_pieces():
    (frame,) = noise(1, 112, 140)
    enlarged = bilinear(frame, 224, 280)
    columns = [column * 40 + 4 + x for column in range(7) for x in range(32)]
    assert np.abs(fragments(frame) - enlarged[:, columns]).max() <= 1  # whole gray levels


def test_the_aesthetic_view_is_resized_and_normalized():
    frames = noise(32, 120, 176)
    view = aesthetic_view(frames)
    assert view.shape == (1, *VIEW)
    assert view.dtype == np.float32
    expected = bilinear(frames[5], 224, 224)
    for channel in range(3):
        levels = view[0, channel, 5] * DEVIATION[channel] + MEAN[channel]
        assert np.abs(levels - expected[..., channel]).max() <= 1


def test_the_technical_view_is_normalized_pieces_of_its_frames():
    frames = noise(20, 230, 240)
    view = technical_view(frames, 2)
    assert view.shape == (2, *VIEW)
    for clip, run in enumerate(technical_frames(20, 2)):
        for place in (0, 9, 31):
            pieces = fragments(frames[run[place]])
            for channel in range(3):
                level = (pieces[..., channel] - MEAN[channel]) / DEVIATION[channel]
                np.testing.assert_allclose(view[clip, channel, place], level, atol=1e-5)


@pytest.mark.parametrize("count", [1, 17, 32, 33, 80, 161])
def test_aesthetic_frames_are_the_middles_of_32_parts(count):
    expected = [int((part * count / 32 + (part + 1) * count / 32) / 2) for part in range(32)]
    assert aesthetic_frames(count).tolist() == expected


@pytest.mark.parametrize(("count", "clips"), [(80, 4), (80, 3), (63, 4), (64, 2), (33, 3), (1, 4), (161, 3)])
def test_technical_frames_are_runs_of_every_second_frame(count, clips):
    expected = []
    for clip in range(clips):
        places = max(count - 62, 1)
        start = int((clip + 0.5) * places / clips)
        expected.append([(start + 2 * place) % count for place in range(32)])
    assert technical_frames(count, clips).tolist() == expected
    if count >= 63:
        assert all(run == sorted(run) for run in expected)  # nothing wraps where it need not


@pytest.mark.parametrize(
    ("aesthetic", "technical", "score"),
    [
        (-0.08285, 0.1107, 0.5),
        (-0.08285, 0.1107 + 0.07355, 1 / (1 + math.exp(-0.6104))),
        (-0.08285 + 0.03774, 0.1107, 1 / (1 + math.exp(-0.3896))),
        (0.05, -0.2, 1 / (1 + math.exp(-(0.6104 * (-0.2 - 0.1107) / 0.07355 + 0.3896 * (0.05 + 0.08285) / 0.03774)))),
    ],
    ids=["centre", "technical", "aesthetic", "both"],
)
def test_the_technical_view_has_the_larger_weight(aesthetic, technical, score):
    assert fuse(aesthetic, technical) == pytest.approx(score)


def test_extreme_answers_stay_in_range():
    assert (fuse(1e6, 1e6), fuse(-1e6, -1e6)) == (1.0, 0.0)


def means_of(level):
    """What the tiny network makes of a uniform picture: the mean over the channels of the normalized level."""
    return sum((level - mean) / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)) / 3


@pytest.mark.parametrize("clips", [3, 4])
def test_a_uniform_clip_has_the_score_of_its_level(tmp_path, clips):
    found = measured(save_dover(tmp_path / "d.onnx", clips, divisor=10.0), uniform([130] * 33))
    raw = means_of(130) / 10
    assert found.metric == "technical_quality"
    assert found.value == pytest.approx(fuse(raw, -raw), abs=1e-5)
    assert found.detail == f"1 chunks; raw aesthetic {raw:.4f}, technical {-raw:.4f}"


def test_each_answer_is_of_its_own_view_and_clips_are_averaged(tmp_path):
    levels = np.random.default_rng(3).integers(60, 200, 80)
    found = measured(save_dover(tmp_path / "d.onnx", 4, divisor=10.0), uniform(levels))
    aesthetic = np.mean([means_of(levels[index]) for index in aesthetic_frames(80)]) / 10
    runs = [np.mean([means_of(levels[index]) for index in run]) for run in technical_frames(80, 4)]
    assert found.value == pytest.approx(fuse(aesthetic, -np.mean(runs) / 10), abs=1e-5)


def test_a_file_with_a_free_number_of_clips_gets_three(tmp_path):
    file = save_dover(tmp_path / "d.onnx", clips="clips")
    (scorer,) = model_scorers(ModelScorers(dover=file))
    assert scorer.network.input_axes[1][0] is None
    assert measured(file, uniform([120] * 20)).value is not None


@pytest.mark.parametrize(("frames", "chunks"), [(17, 1), (80, 1), (119, 1), (120, 2), (160, 2), (161, 2), (241, 3)])
def test_the_score_is_the_mean_over_chunks_of_five_seconds(tmp_path, frames, chunks):
    """At 16 fps a chunk is 80 frames; a rest of 40 or more counts."""
    levels = [100 + 10 * (index // 80) for index in range(frames)]
    found = measured(save_dover(tmp_path / "d.onnx", 1, divisor=10.0), uniform(levels, (8, 8)))
    raw = [means_of(100 + 10 * chunk) / 10 for chunk in range(chunks)]
    assert found.detail.startswith(f"{chunks} chunks;")
    assert found.value == pytest.approx(np.mean([fuse(one, -one) for one in raw]), abs=1e-5)
    assert found.worst_frame == 0  # the darkest chunk scores least


def test_an_answer_that_is_not_finite_has_no_value(tmp_path):
    found = measured(save_dover(tmp_path / "d.onnx", 1, divisor=0.0), uniform([0] * 17))
    assert (found.metric, found.value, found.detail) == (
        "technical_quality",
        None,
        "the score of 1 chunks is not finite",
    )
