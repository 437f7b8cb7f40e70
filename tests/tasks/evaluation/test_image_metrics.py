"""PSNR, SSIM, revisits and drift by their definitions."""

import numpy as np

from data_contracts.benchmark import RevisitPair
from tasks.evaluation.drift import drift_score, frame_quality, window_qualities
from tasks.evaluation.image_metrics import psnr, ssim
from tasks.evaluation.revisit import revisit_score, revisit_values, video_frame

RANDOM = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def test_equal_frames_score_100_and_1():
    assert psnr(RANDOM, RANDOM) == 100
    assert np.isclose(ssim(RANDOM, RANDOM), 1)


def test_psnr_of_a_constant_shift():
    dark, light = np.full((32, 32, 3), 100, np.uint8), np.full((32, 32, 3), 110, np.uint8)
    assert np.isclose(psnr(dark, light), 20 * np.log10(255 / 10))


def test_ssim_of_flat_frames_is_the_luminance_term():
    dark, light = np.full((32, 32, 3), 100, np.uint8), np.full((32, 32, 3), 110, np.uint8)
    constant = (0.01 * 255) ** 2
    assert np.isclose(ssim(dark, light), (2 * 100 * 110 + constant) / (100**2 + 110**2 + constant))


def test_ssim_equals_a_window_by_hand():
    first, second = RANDOM[:11, :11], RANDOM[20:31, 20:31]
    expected = []
    for channel in range(3):
        x, y = first[..., channel].astype(float), second[..., channel].astype(float)
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        covariance = ((x - x.mean()) * (y - y.mean())).mean()
        expected.append(
            (2 * x.mean() * y.mean() + c1)
            * (2 * covariance + c2)
            / ((x.mean() ** 2 + y.mean() ** 2 + c1) * (x.var() + y.var() + c2))
        )
    assert np.isclose(ssim(first, second), np.mean(expected))


def pair(first, second, score):
    return RevisitPair(frame_a=first, frame_b=second, quality_score=score, distance_m=0.1, angle_diff_deg=1.0)


def test_revisits_are_read_by_time():
    assert video_frame(480, 24.0, 2000) == 720
    assert video_frame(960, 16.0, 960) == 959


def test_the_best_five_pairs_are_compared():
    frames = np.stack([np.full((16, 16, 3), value, np.uint8) for value in range(40)])
    pairs = [pair(index, index + 20, 1 - index / 10) for index in range(8)]
    values = revisit_values(frames, 16.0, pairs)
    assert len(values) == 5
    assert np.allclose([value[0] for value in values], 20 * np.log10(255 / 20))
    score = revisit_score([*values, (100.0, 1.0)])
    assert score.pairs == 6
    assert revisit_score([]).psnr is None


def test_quality_falls_when_frames_blur_flatten_or_clip():
    import cv2

    sharp = RANDOM
    blurred = cv2.GaussianBlur(sharp, (0, 0), 3)
    flat = (sharp * 0.1 + 115).astype(np.uint8)
    clipped = np.where(sharp > 128, 255, 0).astype(np.uint8)
    assert frame_quality(sharp) > max(frame_quality(blurred), frame_quality(flat), frame_quality(clipped))
    assert frame_quality(np.zeros((32, 32, 3), np.uint8)) == 0


def test_drift_is_first_minus_last_window():
    import cv2

    video = np.stack([RANDOM] * 8 + [cv2.GaussianBlur(RANDOM, (0, 0), 4)] * 8)
    windows = window_qualities(video, 8)
    score = drift_score([windows])
    assert score.windows == 2
    assert score.delta > 0.1
    assert len(window_qualities(video[:5], 8)) == 1
