"""Places seen again: observations that tie tracks to frames long after they were lost, so that loops close.

Key points of widely separated frames are matched by descriptor under one epipolar geometry. A match is only a hint: the
track next to it is looked for again with its own patch, which gives the same sub-pixel accuracy as tracking does.
"""

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from tasks.vision.patches import Alignment, align_patches, cut_templates, inside
from tasks.vision.tracks import Tracks, smooth_gray


@dataclass(frozen=True)
class RevisitOptions:
    """How revisits are looked for.

    Attributes:
        step: every so many frames is looked at.
        min_gap: frames between two looks that are compared.
        features: key points a frame.
        ratio: best over second-best descriptor distance of a match.
        min_matches: matches that agree on one epipolar geometry.
        reach: pixels between a match and the track it is a hint for.
        min_correlation: of the patch that is found again.
        radius: half the side of the patch.
    """

    step: int = 10
    min_gap: int = 30
    features: int = 400
    ratio: float = 0.8
    min_matches: int = 20
    reach: float = 4.0
    min_correlation: float = 0.85
    radius: int = 6


@dataclass(frozen=True)
class _Look:
    """One frame's key points: position, size and angle (radians), descriptors."""

    frame: int
    places: Float[np.ndarray, "features 2"]
    sizes: Float[np.ndarray, " features"]
    angles: Float[np.ndarray, " features"]
    descriptors: Float[np.ndarray, "features 128"]


def add_revisits(
    frames: UInt8[np.ndarray, "frames height width 3"], tracks: Tracks, options: RevisitOptions = RevisitOptions()
) -> Tracks:
    """The tracks with observations in frames where their places are seen again.

    A clip most of whose observations belong to tracks that last half of it has nothing to gain, and is left as it is.
    """
    length = np.bincount(tracks.track_index, minlength=1)
    if len(tracks.track_index) == 0 or np.median(length[tracks.track_index]) >= len(frames) / 2:
        return tracks
    sift = cv2.SIFT_create(options.features)
    looks = [_look(sift, frames[index], index) for index in range(0, len(frames), options.step)]
    looks = [look for look in looks if len(look.places) >= options.min_matches]
    have = set(zip(tracks.frame_index.tolist(), tracks.track_index.tolist(), strict=True))
    found: list[tuple[int, int, np.ndarray]] = []
    for first, second in combinations(looks, 2):
        if second.frame - first.frame < options.min_gap:
            continue
        pairs = _matches(first, second, options)
        if len(pairs) < options.min_matches:
            continue
        for one, other, order in ((first, second, pairs), (second, first, pairs[:, ::-1])):
            for track, pixel in _look_again(frames, tracks, (one, other), order, options):
                if (other.frame, track) not in have:
                    have.add((other.frame, track))
                    found.append((other.frame, track, pixel))
    return _with(tracks, found)


def _look(sift: cv2.SIFT, frame: np.ndarray, index: int) -> _Look:
    keys, descriptors = sift.detectAndCompute(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), None)
    places = np.array([key.pt for key in keys], dtype=np.float32).reshape(-1, 2)
    sizes = np.array([key.size for key in keys], dtype=np.float32)
    angles = np.radians(np.array([key.angle for key in keys], dtype=np.float32))
    empty = np.zeros((0, 128), np.float32)
    return _Look(index, places, sizes, angles, empty if descriptors is None else descriptors)


def _matches(first: _Look, second: _Look, options: RevisitOptions) -> np.ndarray:
    """Rows of mutually best matches on one epipolar geometry."""
    score = first.descriptors @ second.descriptors.T  # SIFT descriptors have equal norms: larger is closer
    best = score.argmax(1)
    rows = np.flatnonzero(score.argmax(0)[best] == np.arange(len(best)))
    norm = float((first.descriptors**2).sum(1).mean())
    distance = np.sqrt(np.maximum(2 * norm - 2 * score, 0))
    two = np.partition(distance[rows], 1, axis=1)[:, :2]
    rows = rows[two[:, 0] < options.ratio * two[:, 1]]
    if len(rows) < options.min_matches:
        return np.zeros((0, 2), np.int64)
    cv2.setRNGSeed(0)
    _, mask = cv2.findFundamentalMat(first.places[rows], second.places[best[rows]], cv2.FM_RANSAC, 1.5, 0.99, 500)
    if mask is None:
        return np.zeros((0, 2), np.int64)
    kept = rows[mask[:, 0] == 1]
    return np.stack([kept, best[kept]], axis=-1)


def _look_again(
    frames: np.ndarray, tracks: Tracks, looks: tuple[_Look, _Look], pairs: np.ndarray, options: RevisitOptions
) -> list[tuple[int, np.ndarray]]:
    """Tracks of one look that are found in the other: (track, pixel)."""
    here, there = looks
    rows = np.flatnonzero(tracks.frame_index == here.frame)
    if len(rows) == 0:
        return []
    height, width = frames.shape[1:3]
    margin = options.radius + 2
    rows = rows[inside(tracks.pixels[rows], height, width, margin)]
    hints = here.places[pairs[:, 0]]
    apart = np.linalg.norm(tracks.pixels[rows][:, None] - hints[None], axis=-1)
    nearest = apart.argmin(1)
    close = apart[np.arange(len(rows)), nearest] <= options.reach
    rows, match = rows[close], pairs[nearest[close]]
    if len(rows) == 0:
        return []
    warps = _relative_warps(looks, match)
    offset = (tracks.pixels[rows] - here.places[match[:, 0]]).astype(np.float32)
    start = there.places[match[:, 1]] + (warps @ offset[..., None])[..., 0]
    templates = cut_templates(smooth_gray(frames[here.frame]), tracks.pixels[rows].astype(np.float32), options.radius)
    guess = Alignment(start, warps, np.ones(len(rows), np.float32))
    aligned = align_patches(smooth_gray(frames[there.frame]), templates, guess, iterations=12)
    area = np.linalg.det(aligned.warps)
    good = (aligned.correlation >= options.min_correlation) & inside(aligned.centres, height, width, margin)
    good &= (np.linalg.norm(aligned.centres - start, axis=-1) <= options.reach) & (area > 0.25) & (area < 4)
    numbers = tracks.track_index[rows]
    return [(int(numbers[index]), aligned.centres[index].astype(np.float64)) for index in np.flatnonzero(good)]


def _relative_warps(looks: tuple[_Look, _Look], match: np.ndarray) -> Float[np.ndarray, "matches 2 2"]:
    """Similarity that carries offsets in one look to the other: from the key points' sizes and angles."""
    here, there = looks
    scale = there.sizes[match[:, 1]] / here.sizes[match[:, 0]]
    turn = there.angles[match[:, 1]] - here.angles[match[:, 0]]
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    return np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], axis=-2).astype(np.float32)


def _with(tracks: Tracks, found: list[tuple[int, int, np.ndarray]]) -> Tracks:
    if not found:
        return tracks
    frame = np.concatenate([tracks.frame_index, [one[0] for one in found]])
    track = np.concatenate([tracks.track_index, [one[1] for one in found]])
    pixels = np.concatenate([tracks.pixels, np.stack([one[2] for one in found])])
    order = np.lexsort((track, frame))
    return Tracks(frame[order], track[order], pixels[order], tracks.raw_frames)
