"""Structure from motion on the pixels of one clip: a camera for every frame, up to scale.

Corners are tracked through all frames, the view graph gives a focal length, pycolmap maps the key frames in its own
process, the frames between them are interpolated, and one bundle adjustment refines every frame. A focal length per
frame replaces the shared one where it lowers the cost clearly.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from safetensors.numpy import load_file

from model.geometry.se3 import interpolate_poses, inverse, relative_to_first, rigid
from tasks.vision.bundle import BundleOptions, Observations
from tasks.vision.numeric_threads import single_numeric_thread
from tasks.vision.refinement import Refined, RefineOptions, refine, sharpen, span_scene
from tasks.vision.revisits import add_revisits
from tasks.vision.sfm_worker import RESULT, MappingOptions, matching_pairs, write_request
from tasks.vision.tracks import TrackingOptions, Tracks, follow_corners
from tasks.vision.view_graph import GRID, view_graph_focal

STILL_PX = 0.5
WIDE_LOSS = 2.0  # in units of a pixel's error: while a map may be wrong, its errors must be seen
NARROW_LOSS = 0.5
"""Of the last adjustment: tracks that are all off to one side bend the focal length of a path that hardly moves, and
with it the metric scale (2.2% with the wide loss, 0.1% with this one). Earlier it would hide what is wrong with a map.
"""
FEWEST_KEYS = 0.2  # share of the key frames below which a map is a stray pair, seldom with the right focal length
AGREEMENT = 1.05  # ratio of two root mean square errors that are the same solution


@dataclass(frozen=True)
class SfmOptions:
    """What the engine may spend and what it demands.

    Attributes:
        key_step: every so many frames is a key frame.
        max_tracks: corners alive at once.
        max_points: points of the final adjustment.
        first_focals: focal lengths over the image width that the mapper starts from, in turn, where the view graph's
            maps too little.
        focal_known: the first of them is the lens's own, and takes the place of the view graph's.
        max_error: pixels a good match may be off.
        settled_px: root mean square error at which a start is believed without a second one.
        min_registered: share of frames that must be seen by the structure.
        focal_gain: the cost per-frame focal lengths must reach, relative to a shared one, to be kept.
        focal_range: log range over the clip that they must show.
        timeout: seconds for one run of the mapper.
        seed: of every random draw.
    """

    key_step: int
    max_tracks: int
    max_points: int
    first_focals: tuple[float, ...]
    focal_known: bool
    max_error: float
    settled_px: float
    min_registered: float
    focal_gain: float
    focal_range: float
    timeout: float
    seed: int


@dataclass(frozen=True)
class Reconstruction:
    """Cameras of every frame in an arbitrary unit, relative to frame 0, and the structure behind them.

    Attributes:
        camera_to_world: OpenCV.
        focal: pixels, of each frame.
        registered: frames that the structure sees (the others are held or interpolated).
        observations: inlier pixels; ``point`` is a row of ``points``.
        points: in the frame of camera 0.
        reprojection_px: root mean square over inliers.
        focal_varies: per-frame focal lengths were kept.
    """

    camera_to_world: Float[np.ndarray, "frames 4 4"]
    focal: Float[np.ndarray, " frames"]
    registered: Bool[np.ndarray, " frames"]
    observations: Observations
    points: Float[np.ndarray, "points 3"]
    reprojection_px: float
    focal_varies: bool


class SfmError(Exception):
    """No reconstruction; the text says how far it came."""


@dataclass(frozen=True)
class _KeyModel:
    """What the mapper found: frames, world-to-camera poses, focal lengths."""

    frames: np.ndarray
    camera_from_world: np.ndarray
    focal: np.ndarray


def reconstruct(frames: UInt8[np.ndarray, "frames height width 3"], options: SfmOptions) -> Reconstruction:
    """Cameras of a clip from its pixels alone: square pixels, principal point at the centre, focal length unknown.

    Raises:
        SfmError: nothing moves in the picture, or no start maps enough key frames.
    """
    with single_numeric_thread():
        tracks = follow_corners(frames, TrackingOptions(max_tracks=options.max_tracks))
        if _stillness(tracks) < STILL_PX:
            raise SfmError(f"{tracks.count} tracks, which stay within {STILL_PX} pixel: no motion, no depth")
        size = frames.shape[1], frames.shape[2]
        best = _best_start(add_revisits(frames, tracks), size, options)
        if best is not None:
            best = sharpen(best, replace(_refine_options(size, options).bundle, loss_scale=NARROW_LOSS))
    share = 0.0 if best is None else float(best.registered.sum()) / len(frames)
    if best is None or share < options.min_registered:
        raise SfmError(f"{share:.0%} of frames registered, {options.min_registered:.0%} needed ({tracks.count} tracks)")
    return _whole_clip(best, len(frames))


def _stillness(tracks: Tracks) -> float:
    """How far the tracks that move most get from where they began, pixels: the 90th percentile."""
    if tracks.count == 0:
        return 0.0
    first = np.zeros((tracks.count, 2))
    first[tracks.track_index[::-1]] = tracks.pixels[::-1]
    apart = np.linalg.norm(tracks.pixels - first[tracks.track_index], axis=-1)
    return float(np.percentile(apart, 90))


@dataclass(frozen=True)
class _Start:
    """A focal length in pixels for the mapper, which may refine it, or has one for each key frame, or must keep it."""

    focal: float
    per_image: bool = False
    fixed: bool = False
    draw: int = 0


@dataclass(frozen=True)
class _KeyFrames:
    """The frames that are mapped: their numbers, pixels and track names."""

    frames: np.ndarray
    pixels: list[np.ndarray]
    names: list[np.ndarray]

    @classmethod
    def of(cls, tracks: Tracks, step: int) -> "_KeyFrames":
        frames = np.unique(np.r_[np.arange(0, tracks.raw_frames, step), tracks.raw_frames - 1])
        chosen = [tracks.frame_index == frame for frame in frames]
        return cls(frames, [tracks.pixels[one] for one in chosen], [tracks.track_index[one] for one in chosen])

    def matches(self, centre: tuple[float, float]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Pixels, relative to the centre, of the tracks that two key frames share."""
        pairs = []
        for first, second in matching_pairs(len(self.frames)):
            _, left, right = np.intersect1d(self.names[first], self.names[second], return_indices=True)
            pairs.append((self.pixels[first][left] - centre, self.pixels[second][right] - centre))
        return pairs


def _best_start(tracks: Tracks, size: tuple[int, int], options: SfmOptions) -> Refined | None:
    """Starts in turn until one is believed, else the one that sees most frames through a possible lens."""
    keys = _KeyFrames.of(tracks, options.key_step)
    found: list[Refined] = []
    for start in _starts(keys, size, options):
        refined = _refine_start(tracks, keys, start, size, options)
        if refined is None:
            continue
        found = sorted([*found, refined], key=lambda one: _rank(one, size), reverse=True)
        enough = found[0].registered.sum() >= options.min_registered * tracks.raw_frames
        if enough and _possible(found[0], size) and _is_settled(found, options):
            break
    return found[0] if found else None


def _is_settled(found: list[Refined], options: SfmOptions) -> bool:
    """Whether the best fits as well as tracks are good, or two starts ended alike: a wrong map seldom does twice."""
    best = found[0].reprojection_px
    return best <= options.settled_px or (len(found) > 1 and found[1].reprojection_px <= AGREEMENT * best)


def _refine_start(
    tracks: Tracks, keys: _KeyFrames, start: _Start, size: tuple[int, int], options: SfmOptions
) -> Refined | None:
    model = _map_key_frames(keys, size, start, options)
    if model is None or len(model.frames) < FEWEST_KEYS * len(keys.frames):
        return None
    span = span_scene(model.frames, model.camera_from_world, model.focal, _centre(size))
    try:
        return refine(tracks, span, _refine_options(size, options))
    except np.linalg.LinAlgError:  # a degenerate start: the next one may do
        return None


def _rank(refined: Refined, size: tuple[int, int]) -> tuple[bool, float]:
    return _possible(refined, size), refined.score


def _possible(refined: Refined, size: tuple[int, int]) -> bool:
    """Whether the fields of view over the whole clip are between 25 and 120 degrees, as those of real lenses are."""
    ratio = refined.span.scene.focal / size[1]
    return bool(ratio.min() >= GRID[0] and ratio.max() <= GRID[-1])


def _starts(keys: _KeyFrames, size: tuple[int, int], options: SfmOptions) -> list[_Start]:
    """The view graph's focal length, usual ones, and as the last resort one for each key frame (it bends easily).

    The mapper keeps the view graph's as it is: freed while it has two or three frames, it often runs away. It gets two
    draws, since a first pair of images taken the wrong way round (a mirrored relief) spoils all that follows.
    """
    usual = [_Start(ratio * size[1]) for ratio in options.first_focals]
    known = usual[0].focal if options.focal_known else None
    calibrated = known or view_graph_focal(keys.matches(_centre(size)), size[1], options.max_error)
    first = [] if calibrated is None else [_Start(calibrated, fixed=True, draw=draw) for draw in range(2)]
    return [*first, *usual, _Start(options.first_focals[0] * size[1], per_image=True)]


def _map_key_frames(keys: _KeyFrames, size: tuple[int, int], start: _Start, options: SfmOptions) -> _KeyModel | None:
    seed = options.seed + start.draw
    request = MappingOptions(*size, start.focal, options.max_error, seed, start.per_image, start.fixed)
    with tempfile.TemporaryDirectory(prefix="sfm-") as scratch:
        directory = Path(scratch)
        write_request(directory, keys.pixels, keys.names, request)
        command = [sys.executable, "-m", "tasks.vision.sfm_worker", str(directory)]
        try:
            subprocess.run(command, check=False, capture_output=True, timeout=options.timeout)
        except subprocess.TimeoutExpired:
            return None
        if not (directory / RESULT).exists():
            return None
        found = load_file(directory / RESULT)
    if len(found["key"]) < 3:
        return None
    return _KeyModel(keys.frames[found["key"]], rigid(found["rotation"], found["translation"]), found["focal"])


def _centre(size: tuple[int, int]) -> tuple[float, float]:
    return (size[1] - 1) / 2, (size[0] - 1) / 2


def _refine_options(size: tuple[int, int], options: SfmOptions) -> RefineOptions:
    bundle = BundleOptions(
        pixel_sigma=0.15,
        loss_scale=WIDE_LOSS,
        focal_smoothness=5e-4,
        focal_prior=0.3,
        prior_focal=options.first_focals[0] * size[1],
    )
    return RefineOptions(bundle, options.max_points, 0.15, options.max_error, options.focal_gain, options.focal_range)


def _whole_clip(refined: Refined, raw_frames: int) -> Reconstruction:
    """Relative to the first frame; frames beyond the span hold its end and count as not registered."""
    span, scene = refined.span, refined.span.scene
    own = np.arange(span.first, span.end)
    query = np.arange(raw_frames)
    known = inverse(rigid(scene.rotations, scene.translations))
    poses = interpolate_poses(own, known, query)
    origin = inverse(poses[:1])
    registered = np.zeros(raw_frames, dtype=bool)
    registered[own] = refined.registered
    seen = refined.observations
    return Reconstruction(
        camera_to_world=relative_to_first(poses),
        focal=np.interp(query, own, scene.focal),
        registered=registered,
        observations=Observations(seen.frame + span.first, seen.point, seen.pixels),
        points=scene.points @ origin[0, :3, :3].T + origin[0, :3, 3],
        reprojection_px=refined.reprojection_px,
        focal_varies=refined.focal_varies,
    )
