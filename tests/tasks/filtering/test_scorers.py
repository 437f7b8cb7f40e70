"""Each scorer measures what it says, on clips made to have it."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_contracts.contract_loader import load_contracts
from tasks.filtering.phash import clip_hash, nearest_earlier
from tasks.filtering.scorers.cuts import CutScorer
from tasks.filtering.scorers.embedded import embedded_scorers
from tasks.filtering.scorers.motion import MotionScorer
from tasks.filtering.scorers.protocol import StoredClip
from tasks.filtering.scorers.quality import picture_quality
from tasks.filtering.scorers.vmaf_motion import VmafMotionScorer
from tasks.vision.flow import gray_frames
from tasks.vision.video import read_video, write_video

MOTION = MotionScorer(flow_seconds=0.125, pairs=4)


def texture(seed, height=96, width=400):
    rng = np.random.default_rng(seed)
    fine = cv2.GaussianBlur(rng.integers(0, 255, (height, width)).astype(np.float32), (0, 0), 1.5)
    coarse = cv2.GaussianBlur(rng.integers(0, 255, (height, width)).astype(np.float32), (0, 0), 8)
    mixed = cv2.normalize(fine, None, 0, 1, cv2.NORM_MINMAX) + 2 * cv2.normalize(coarse, None, 0, 1, cv2.NORM_MINMAX)
    gray = cv2.normalize(mixed, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)
    return np.stack([gray, gray // 2 + 60, 255 - gray], axis=-1)


def panning(seed=0, frames=33, speed=2.0, width=160):
    wide = texture(seed, width=width + int(speed * frames) + 2)
    return np.stack([wide[:, round(speed * t) : round(speed * t) + width] for t in range(frames)])


def clip_of(frames, media=Path("unused")):
    return StoredClip(media, frames, gray_frames(frames), 16.0)


def measured(scorer, frames):
    return {measure.metric: measure.value for measure in scorer.measure(clip_of(frames))}


def test_a_panning_camera_moves_by_its_speed():
    assert measured(MOTION, panning(speed=2.0))["flow"] == pytest.approx(4.0, rel=0.1)  # two frames at 2 pixels


def test_cuts_are_counted_and_turns_are_not():
    scenes = [panning(seed, 15, speed=5) for seed in (3, 4, 5)]
    assert measured(CutScorer(), np.concatenate(scenes))["scene_cuts"] == 2
    assert measured(CutScorer(), panning(6, 40, speed=12))["scene_cuts"] == 0


def test_repeated_frames_are_no_cuts():
    assert measured(CutScorer(), np.repeat(panning(7, 12, speed=4), 3, axis=0))["scene_cuts"] == 0


def test_vmaf_motion_is_the_mean_difference_of_blurred_luma(tmp_path):
    frames = panning(8, 17)
    write_video(tmp_path / "clip.mp4", frames, 16, quality=1)
    found = VmafMotionScorer().measure(clip_of(frames, tmp_path / "clip.mp4"))[0].value
    # FILTER_5 of VMAF, on the limited-range luma that the file holds.
    kernel = np.array([0.054488685, 0.244201342, 0.402619947, 0.244201342, 0.054488685])
    stored = read_video(tmp_path / "clip.mp4").frames
    luma = 16 + stored.astype(float) @ np.array([0.257, 0.504, 0.098])
    blurred = [cv2.sepFilter2D(y, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101) for y in luma]
    differences = [np.abs(b - a).mean() for a, b in pairwise(blurred)]
    assert found == pytest.approx(sum(differences) / len(frames), rel=0.03)


def test_quality_falls_with_blur_darkness_and_flatness():
    sharp = gray_frames(panning(9, 1))[0]
    blurs = [picture_quality(cv2.GaussianBlur(sharp, (0, 0), sigma)) for sigma in (1, 2, 4)]
    assert picture_quality(sharp) > blurs[0] > blurs[1] > blurs[2]
    assert picture_quality(sharp // 80) < 0.1
    assert picture_quality(np.full_like(sharp, 128)) == 0.0


def test_black_and_saturated_clips_stand_out():
    scorers = {scorer.name: scorer for scorer in embedded_scorers()}
    black, vivid = np.zeros((9, 64, 96, 3), np.uint8), np.zeros((9, 64, 96, 3), np.uint8)
    vivid[..., 0] = 200
    assert measured(scorers["luma_mean"], black)["luma"] == 0
    assert measured(scorers["hsv_mean"], vivid)["saturation"] == 255
    assert measured(scorers["hsv_mean"], np.full_like(vivid, 90))["saturation"] == 0


def test_near_duplicates_agree_and_others_do_not():
    first = panning(10)
    encoded = np.stack([cv2.imdecode(cv2.imencode(".jpg", f, [1, 30])[1], 1) for f in first])
    smaller = np.stack([cv2.resize(cv2.resize(f, (80, 48), interpolation=cv2.INTER_AREA), (160, 96)) for f in first])
    hashes = [clip_hash(gray_frames(frames)) for frames in (first, encoded, smaller, panning(11), first * 0)]
    limit = next(rule.minimum for rule in load_contracts().common.quality if rule.id == "duplicate_near")
    found = nearest_earlier(hashes)
    assert found[0] is None
    assert found[1][0] < limit
    assert found[2][0] < limit
    assert found[3][0] > 1.5 * limit
    assert found[4] is None  # a black picture has no hash
