"""From rough cameras of some frames to adjusted cameras of all: triangulate, adjust, drop outliers, grow, choose focal.

Rough cameras cover one span of frames; the clip's ends are reached by resection against the structure.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float

from model.geometry.intrinsics import intrinsics_matrix
from model.geometry.se3 import interpolate_poses, inverse, rigid
from tasks.vision.bundle import BundleOptions, BundleResult, Observations, Scene, adjust, reproject
from tasks.vision.tracks import Tracks
from tasks.vision.triangulation import triangulate

FEWEST_SEEN = 12  # observations without which a frame counts as not registered
GROW = 8  # frames added to a span between two adjustments
SHORT_RUN = 12  # iterations of an adjustment that is not the last


@dataclass(frozen=True)
class RefineOptions:
    """How the cameras are refined.

    Attributes:
        bundle: noise, loss and priors of the adjustment.
        max_points: points in it; the longest tracks first, spread over the frames.
        min_angle: degrees of ray spread a point needs.
        max_error: pixels beyond which an observation is an outlier from the start.
        focal_gain: cost with per-frame focal lengths over cost with a shared one, below which they are kept.
        focal_range: log range over the clip that they must show.
    """

    bundle: BundleOptions
    max_points: int
    min_angle: float
    max_error: float
    focal_gain: float
    focal_range: float


@dataclass(frozen=True)
class Span:
    """Cameras of consecutive frames from ``first`` on."""

    first: int
    scene: Scene

    @property
    def end(self) -> int:
        """One past the last frame."""
        return self.first + len(self.scene.rotations)


@dataclass(frozen=True)
class Refined:
    """Adjusted cameras of a span, and the observations and errors (pixels) behind them."""

    span: Span
    observations: Observations
    errors: Float[np.ndarray, " observations"]
    registered: Bool[np.ndarray, " frames"]
    focal_varies: bool

    @property
    def reprojection_px(self) -> float:
        """Root mean square error over inliers."""
        return float(np.sqrt(np.mean(self.errors**2)))

    @property
    def score(self) -> float:
        """Registered frames first, then accuracy: higher is better."""
        return float(self.registered.sum()) - self.reprojection_px


def span_scene(
    frames: np.ndarray, camera_from_world: np.ndarray, focal: np.ndarray, principal: tuple[float, float]
) -> Span:
    """A span from key frames: poses and log focal lengths interpolated between them."""
    query = np.arange(frames[0], frames[-1] + 1)
    poses = inverse(interpolate_poses(frames, inverse(camera_from_world), query))
    log_focal = np.log(focal)
    shared = np.ptp(log_focal) < 1e-9
    log_focal = log_focal[:1] if shared else np.interp(query, frames, log_focal)
    return Span(
        int(frames[0]), Scene(poses[:, :3, :3], poses[:, :3, 3], log_focal, np.array(principal), np.zeros((0, 3)))
    )


def refine(tracks: Tracks, span: Span, options: RefineOptions) -> Refined | None:
    """Adjust a span, extend it over the clip, adjust again, and try a focal length per frame.

    None when too little structure is found to adjust anything.
    """
    result = _round(tracks, span, options, SHORT_RUN)
    while result is not None:
        grown = _grow(tracks, result.span, options)
        if grown is None:
            break
        result = _round(tracks, grown, options, SHORT_RUN) or result
        if result.span.end - result.span.first < grown.end - grown.first:
            break
    if result is None:
        return None
    final = _round(tracks, result.span, options, options.bundle.iterations) or result
    return _with_varying_focal(tracks, final, options)


def sharpen(refined: Refined, bundle: BundleOptions) -> Refined:
    """The same observations adjusted once more, with another loss."""
    return _refined(refined.span, refined.observations, adjust(refined.span.scene, refined.observations, bundle))


def _round(tracks: Tracks, span: Span, options: RefineOptions, iterations: int) -> Refined | None:
    """Triangulate, adjust, drop outliers, adjust."""
    observations, scene = structure(tracks, span, options)
    if len(scene.points) < FEWEST_SEEN:
        return None
    bundle = replace(options.bundle, iterations=iterations)
    covered = np.bincount(observations.frame, minlength=len(scene.rotations)) >= FEWEST_SEEN
    if not covered.all():
        return None if not covered.any() else _round_of_covered(tracks, span, covered, options, iterations)
    first = adjust(scene, observations, bundle)
    kept, scene = _inliers(first, observations, options.max_error)
    if np.bincount(kept.frame, minlength=len(scene.rotations)).min() == 0:
        return _refined(span, observations, first)
    return _refined(span, kept, adjust(scene, kept, bundle))


def _round_of_covered(
    tracks: Tracks, span: Span, covered: np.ndarray, options: RefineOptions, iterations: int
) -> Refined | None:
    """The same on the longest run of frames that see enough structure."""
    edges = np.flatnonzero(np.diff(np.r_[0, covered.astype(int), 0]))
    start, stop = max(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[1] - run[0])
    if stop - start < 3 or stop - start == len(covered):
        return None
    return _round(tracks, _cut(span, int(start), int(stop)), options, iterations)


def structure(tracks: Tracks, span: Span, options: RefineOptions) -> tuple[Observations, Scene]:
    """Points the span's cameras agree on, thinned out, with their observations (frames counted from the span)."""
    inside = (tracks.frame_index >= span.first) & (tracks.frame_index < span.end)
    chosen = tracks.select(inside)
    observations = Observations(chosen.frame_index - span.first, chosen.track_index, chosen.pixels)
    found = triangulate(span.scene, observations, tracks.count, options.min_angle)
    observations = observations.select(found.solid[observations.point])
    predicted, depth = reproject(replace(span.scene, points=found.points), observations)
    close = (np.linalg.norm(predicted - observations.pixels, axis=-1) < 2 * options.max_error) & (depth > 0)
    observations = observations.select(close)
    keep = _spread(observations, tracks.count, len(span.scene.rotations), options.max_points)
    return _renumbered(observations.select(keep[observations.point]), replace(span.scene, points=found.points))


def _spread(observations: Observations, tracks: int, frames: int, max_points: int) -> np.ndarray:
    """Longest tracks first, passing over tracks all of whose frames already see their share of points."""
    length = np.bincount(observations.point, minlength=tracks)
    share = max_points * length.sum() / max(int((length > 0).sum()), 1) / max(frames, 1)
    order = np.argsort(observations.point, kind="stable")
    starts = np.searchsorted(observations.point[order], np.arange(tracks + 1))
    seen, keep = np.zeros(frames), np.zeros(tracks, dtype=bool)
    for track in np.argsort(-length, kind="stable"):
        if length[track] < 3:
            break
        rows = observations.frame[order[starts[track] : starts[track + 1]]]
        if seen[rows].min() < share:
            seen[rows] += 1
            keep[track] = True
    return keep


def _renumbered(observations: Observations, scene: Scene) -> tuple[Observations, Scene]:
    used, point = np.unique(observations.point, return_inverse=True)
    return Observations(observations.frame, point, observations.pixels), replace(scene, points=scene.points[used])


def _inliers(result: BundleResult, observations: Observations, max_error: float) -> tuple[Observations, Scene]:
    limit = min(max(4 * float(np.median(result.errors)), 0.3), max_error)
    kept = observations.select(result.errors <= limit)
    length = np.bincount(kept.point, minlength=len(result.scene.points))
    return _renumbered(kept.select(length[kept.point] >= 3), result.scene)


def _refined(span: Span, observations: Observations, result: BundleResult) -> Refined:
    seen = np.bincount(observations.frame, minlength=len(result.scene.rotations))
    return Refined(
        Span(span.first, result.scene),
        observations,
        result.errors,
        seen >= FEWEST_SEEN,
        len(result.scene.log_focal) > 1,
    )


def _with_varying_focal(tracks: Tracks, shared: Refined, options: RefineOptions) -> Refined:
    """Per-frame focal lengths (App. B.1) where they explain clearly more; the same observations decide."""
    if shared.focal_varies:
        return shared
    start = replace(shared.span.scene, log_focal=np.log(shared.span.scene.focal))
    base = adjust(shared.span.scene, shared.observations, replace(options.bundle, iterations=1))
    varying = adjust(start, shared.observations, options.bundle)
    spread = float(np.ptp(varying.scene.log_focal))
    if varying.cost >= options.focal_gain * base.cost or spread < options.focal_range:
        return shared
    span = Span(shared.span.first, varying.scene)
    return _round(tracks, span, options, options.bundle.iterations) or _refined(span, shared.observations, varying)


def _grow(tracks: Tracks, span: Span, options: RefineOptions) -> Span | None:
    """Up to ``GROW`` frames more at each end, by resection; None when none could be added."""
    inside = (tracks.frame_index >= span.first) & (tracks.frame_index < span.end)
    chosen = tracks.select(inside)
    observations = Observations(chosen.frame_index - span.first, chosen.track_index, chosen.pixels)
    found = triangulate(span.scene, observations, tracks.count, options.min_angle)
    grown = span
    for frame in range(span.end, min(span.end + GROW, tracks.raw_frames)):
        pose = _resect(tracks, frame, found.points, found.solid, (grown, -1), options)
        if pose is None:
            break
        grown = _attach(grown, pose, at_end=True)
    for frame in range(span.first - 1, max(span.first - 1 - GROW, -1), -1):
        pose = _resect(tracks, frame, found.points, found.solid, (grown, 0), options)
        if pose is None:
            break
        grown = _attach(grown, pose, at_end=False)
    return grown if grown is not span else None


def _resect(
    tracks: Tracks,
    frame: int,
    points: np.ndarray,
    solid: np.ndarray,
    neighbour: tuple[Span, int],
    options: RefineOptions,
) -> np.ndarray | None:
    """World-to-camera of one frame from known points, starting at its neighbour's pose."""
    span, index = neighbour
    rows = np.flatnonzero((tracks.frame_index == frame) & solid[tracks.track_index])
    if len(rows) < FEWEST_SEEN:
        return None
    scene = span.scene
    camera = intrinsics_matrix(np.array([scene.focal[index], scene.focal[index], *scene.principal]))
    turn, _ = cv2.Rodrigues(scene.rotations[index])
    solved, turn, shift, inliers = cv2.solvePnPRansac(
        points[tracks.track_index[rows]],
        tracks.pixels[rows],
        camera,
        None,
        turn,
        scene.translations[index].reshape(3, 1).copy(),
        useExtrinsicGuess=True,
        reprojectionError=options.max_error,
    )
    if not solved or inliers is None or len(inliers) < FEWEST_SEEN:
        return None
    return rigid(cv2.Rodrigues(turn)[0], shift[:, 0])


def _attach(span: Span, pose: np.ndarray, at_end: bool) -> Span:
    scene, row = span.scene, pose[None]

    def joined(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        return np.concatenate([old, new] if at_end else [new, old])

    log_focal = scene.log_focal
    if len(log_focal) > 1:
        log_focal = joined(log_focal, log_focal[-1:] if at_end else log_focal[:1])
    longer = replace(
        scene,
        rotations=joined(scene.rotations, row[:, :3, :3]),
        translations=joined(scene.translations, row[:, :3, 3]),
        log_focal=log_focal,
    )
    return Span(span.first if at_end else span.first - 1, longer)


def _cut(span: Span, start: int, stop: int) -> Span:
    scene = span.scene
    log_focal = scene.log_focal if len(scene.log_focal) == 1 else scene.log_focal[start:stop]
    shorter = replace(
        scene, rotations=scene.rotations[start:stop], translations=scene.translations[start:stop], log_focal=log_focal
    )
    return Span(span.first + start, shorter)
