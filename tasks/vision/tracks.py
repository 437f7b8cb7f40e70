"""Feature tracks over every frame of a clip: corners followed from frame to frame, then matched to their first patch.

It knows nothing of cameras: a track that rides on a moving object or slides along an edge is for the geometry to drop.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from tasks.vision.patches import Alignment, Templates, align_patches, cut_templates, inside


@dataclass(frozen=True)
class TrackingOptions:
    """How corners are found and followed.

    Attributes:
        max_tracks: corners alive at once.
        min_distance: pixels between corners when new ones are found.
        quality: weakest corner kept, relative to the strongest.
        radius: half the side of the patch that is followed, pixels.
        levels: pyramid levels above the full size.
        min_correlation: least correlation with the first patch; below it the track ends.
        max_correction: pixels by which the first patch may move what frame-to-frame tracking found.
        min_length: frames a track must last to be kept.
    """

    max_tracks: int = 400
    min_distance: int = 8
    quality: float = 0.003
    radius: int = 6
    levels: int = 3
    min_correlation: float = 0.8
    max_correction: float = 2.0
    min_length: int = 4


@dataclass(frozen=True)
class Tracks:
    """Observations sorted by frame.

    Attributes:
        frame_index: frame of each observation.
        track_index: track of each observation, 0 to ``count - 1``.
        pixels: x y, pixel centres at integers.
        raw_frames: frames of the clip.
    """

    frame_index: Int[np.ndarray, " observations"]
    track_index: Int[np.ndarray, " observations"]
    pixels: Float[np.ndarray, "observations 2"]
    raw_frames: int

    @property
    def count(self) -> int:
        """Number of tracks."""
        return int(self.track_index.max()) + 1 if len(self.track_index) else 0

    def select(self, keep: Bool[np.ndarray, " observations"]) -> "Tracks":
        """The kept observations; track numbers stay."""
        return Tracks(self.frame_index[keep], self.track_index[keep], self.pixels[keep], self.raw_frames)


@dataclass(frozen=True)
class _Alive:
    """The tracks that reach the current frame."""

    names: np.ndarray
    found: Alignment
    templates: Templates

    def select(self, keep: np.ndarray) -> "_Alive":
        found = Alignment(self.found.centres[keep], self.found.warps[keep], self.found.correlation[keep])
        return _Alive(self.names[keep], found, self.templates.select(keep))

    def join(self, other: "_Alive") -> "_Alive":
        pairs = zip(_fields(self.found), _fields(other.found), strict=True)
        found = Alignment(*(np.concatenate(pair) for pair in pairs))
        return _Alive(np.concatenate([self.names, other.names]), found, self.templates.join(other.templates))


def follow_corners(
    frames: UInt8[np.ndarray, "frames height width 3"], options: TrackingOptions = TrackingOptions()
) -> Tracks:
    """Track corners through the whole clip, topping up where corners were lost.

    Args:
        frames: RGB.
        options: see ``TrackingOptions``.

    Returns:
        Tracks of at least ``min_length`` frames, renumbered without gaps in order of their first frame.
    """
    grays = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    alive, born, seen = None, 0, []
    for index, gray in enumerate(grays):
        smooth = smooth_gray(frames[index])
        if alive is not None:
            alive = _follow(alive, (grays[index - 1], gray, smooth), options)
        fresh = _new_tracks(gray, smooth, alive, born, options)
        born += len(fresh.names)
        alive = fresh if alive is None else alive.join(fresh)
        seen.append((alive.names, alive.found.centres))
    frame_index = np.repeat(np.arange(len(seen)), [len(names) for names, _ in seen])
    names = np.concatenate([names for names, _ in seen])
    pixels = np.concatenate([points for _, points in seen]).astype(np.float64)
    return _drop_short(Tracks(frame_index, names, pixels, len(frames)), options.min_length)


def smooth_gray(frame: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width"]:
    """Gray values, low-passed a little: bilinear sampling wants a band limit."""
    return cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (0, 0), 0.8).astype(np.float32)


def _follow(alive: _Alive, images: tuple[np.ndarray, np.ndarray, np.ndarray], options: TrackingOptions) -> _Alive:
    """The tracks that are found again: pyramidal step from the last frame, then alignment to the first patch."""
    before, after, smooth = images
    if len(alive.names) == 0:
        return alive
    side = 2 * options.radius + 1
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 15, 0.03)
    ahead, status, _ = cv2.calcOpticalFlowPyrLK(
        before, after, alive.found.centres, None, winSize=(side, side), maxLevel=options.levels, criteria=stop
    )
    margin = options.radius + 1
    kept = (status[:, 0] == 1) & inside(ahead, *after.shape, margin)
    alive, ahead = alive.select(kept), ahead[kept]
    found = align_patches(smooth, alive.templates, Alignment(ahead, alive.found.warps, alive.found.correlation))
    area = np.linalg.det(found.warps)
    kept = (found.correlation >= options.min_correlation) & inside(found.centres, *after.shape, margin)
    kept &= np.linalg.norm(found.centres - ahead, axis=-1) <= options.max_correction
    kept &= (area > 0.4) & (area < 2.5)
    return _Alive(alive.names, found, alive.templates).select(kept)


def _new_tracks(
    gray: np.ndarray, smooth: np.ndarray, alive: _Alive | None, born: int, options: TrackingOptions
) -> _Alive:
    taken = np.zeros((0, 2), np.float32) if alive is None else alive.found.centres
    corners = _new_corners(gray, taken, options)
    count = len(corners)
    start = Alignment(corners, np.repeat(np.eye(2, dtype=np.float32)[None], count, 0), np.ones(count, np.float32))
    return _Alive(born + np.arange(count), start, cut_templates(smooth, corners, options.radius))


def _new_corners(gray: np.ndarray, taken: np.ndarray, options: TrackingOptions) -> np.ndarray:
    room = options.max_tracks - len(taken)
    if room <= 0:
        return np.zeros((0, 2), np.float32)
    free = np.zeros_like(gray)
    margin = options.radius + 2
    free[margin:-margin, margin:-margin] = 255
    for x, y in taken:
        cv2.circle(free, (round(float(x)), round(float(y))), options.min_distance, 0, -1)
    corners = cv2.goodFeaturesToTrack(gray, room, options.quality, options.min_distance, mask=free, blockSize=5)
    return np.zeros((0, 2), np.float32) if corners is None else corners.reshape(-1, 2)


def _drop_short(tracks: Tracks, min_length: int) -> Tracks:
    length = np.bincount(tracks.track_index) if len(tracks.track_index) else np.zeros(0, dtype=np.int64)
    kept = tracks.select(length[tracks.track_index] >= min_length)
    _, renumbered = np.unique(kept.track_index, return_inverse=True)
    return Tracks(kept.frame_index, renumbered, kept.pixels, kept.raw_frames)


def _fields(found: Alignment) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return found.centres, found.warps, found.correlation
