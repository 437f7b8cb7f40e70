"""The same bytes are one clip; re-encodes are near duplicates, 20 of 20; different clips are not, 0 of 200."""

import cv2
import numpy as np
import pytest

from data_contracts.clip import ClipRow
from data_contracts.contract_loader import load_contracts
from tasks.filtering.duplicates import exact_duplicate_scores, near_duplicate_scores
from tasks.filtering.phash import clip_hash, nearest_earlier
from tasks.filtering.verdicts import score_frame
from tasks.vision.flow import gray_frames
from tasks.vision.video import read_video, write_video

LIMIT = next(rule.minimum for rule in load_contracts().flat(["plain"]) if rule.metric == "near_duplicate_distance")
HEIGHT, WIDTH, FRAMES = 96, 160, 9


def moving_scene(seed):
    """Shapes of random places, sizes and grays over a soft background, panned by two pixels a frame."""
    rng = np.random.default_rng(seed)
    small = rng.integers(40, 215, (6, 11)).astype(np.uint8)
    wide = cv2.resize(small, (WIDTH + 2 * FRAMES, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for _ in range(12):
        center = (int(rng.integers(0, wide.shape[1])), int(rng.integers(0, HEIGHT)))
        cv2.circle(wide, center, int(rng.integers(4, 22)), int(rng.integers(0, 255)), -1)
    frames = np.stack([wide[:, 2 * t : 2 * t + WIDTH] for t in range(FRAMES)])
    return np.repeat(frames[..., None], 3, axis=-1)


def quantized(frames, quality):
    """Each frame through JPEG, as a re-encoding at low quality would leave it."""
    coded = [cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for frame in frames]
    return np.stack([cv2.imdecode(code, cv2.IMREAD_COLOR) for code in coded])


def rescaled(frames, share):
    size = (round(WIDTH * share), round(HEIGHT * share))
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])


def brightened(frames, gain, offset):
    return np.clip(frames.astype(np.float64) * gain + offset, 0, 255).astype(np.uint8)


def stored(frames, directory):
    write_video(directory / "copy.mp4", frames, 16)
    return read_video(directory / "copy.mp4").frames


REENCODES = {
    **{f"jpeg {quality}": lambda f, q=quality: quantized(f, q) for quality in (90, 70, 50, 30, 20, 10)},
    **{f"scale {share}": lambda f, s=share: rescaled(f, s) for share in (0.9, 0.75, 0.5, 0.35, 1.5, 2.0)},
    **{f"gain {gain}": lambda f, g=gain: brightened(f, g, 0) for gain in (0.8, 0.9, 1.05)},
    **{f"offset {offset}": lambda f, o=offset: brightened(f, 1, o) for offset in (-12, 12)},
    "blurred": lambda f: np.stack([cv2.GaussianBlur(frame, (0, 0), 1.0) for frame in f]),
    "half size, jpeg 30": lambda f: quantized(rescaled(f, 0.5), 30),
}


def test_twenty_reencodes_are_near_duplicates(tmp_path):
    original = moving_scene(0)
    copies = {name: change(original) for name, change in REENCODES.items()}
    copies["H.264"] = stored(original, tmp_path)
    assert len(copies) == 20
    base = clip_hash(gray_frames(original))
    distances = {name: nearest_earlier([base, clip_hash(gray_frames(copy))])[1][0] for name, copy in copies.items()}
    missed = {name: distance for name, distance in distances.items() if distance >= LIMIT}
    assert not missed


@pytest.fixture(scope="module")
def different_hashes():
    return [clip_hash(gray_frames(moving_scene(seed))) for seed in range(200)]


def test_no_two_of_200_different_clips_are_near_duplicates(different_hashes):
    assert all(different_hashes)
    nearest = [found[0] for found in nearest_earlier(different_hashes)[1:]]
    assert min(nearest) >= LIMIT


def test_the_limit_lies_where_a_copy_would_be_found_among_them(different_hashes):
    copy = clip_hash(gray_frames(quantized(moving_scene(123), 20)))
    distance, which = nearest_earlier([*different_hashes, copy])[-1]
    assert which == 123
    assert distance < LIMIT


def test_the_same_bytes_under_two_names_are_one_clip():
    rows = [ClipRow(path=path, source="plain", clip_id=name) for path, name in (("a", "x"), ("b", "y"), ("c", "x"))]
    scores = {score.path: (score.value, score.detail) for score in exact_duplicate_scores(rows)}
    assert scores == {"a": (0.0, ""), "b": (0.0, ""), "c": (1.0, "a")}


def test_a_rejected_clip_is_no_reason_to_reject_its_copy():
    rows = [ClipRow(path=path, source="plain", clip_id=path) for path in ("a", "b", "c")]
    same = clip_hash(gray_frames(moving_scene(1)))
    exact = exact_duplicate_scores([rows[0].model_copy(update={"path": "0"}), rows[0]])[1:]  # "a" fails already
    found = near_duplicate_scores(rows, dict.fromkeys("abc", same), score_frame(exact), load_contracts(), ("screen",))
    assert [(score.path, score.value, score.detail) for score in found] == [("c", 0.0, "b")]
