"""Structure under cameras that are given: tracks, triangulation, and an adjustment that moves points alone."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8

from model.geometry.se3 import inverse
from tasks.vision.bundle import BundleOptions, Observations, Scene, adjust
from tasks.vision.numeric_threads import single_numeric_thread
from tasks.vision.refinement import RefineOptions, Span, structure
from tasks.vision.tracks import TrackingOptions, Tracks, follow_corners

MIN_ANGLE = 0.15


@dataclass(frozen=True)
class PointCloud:
    """Points in the frame of the given cameras, their inlier observations (pixels of the clip), and the error."""

    points: Float[np.ndarray, "points 3"]
    observations: Observations
    reprojection_px: float | None


def triangulate_under_cameras(
    frames: UInt8[np.ndarray, "frames height width 3"],
    camera_to_world: Float[np.ndarray, "frames 4 4"],
    intrinsics: Float[np.ndarray, "frames 4"],
    max_tracks: int,
    max_error: float,
) -> PointCloud:
    """Points of corner tracks under known cameras; none where no ray pair spans an angle.

    Args:
        frames: RGB.
        camera_to_world: OpenCV, any unit.
        intrinsics: fx fy cx cy of each frame; pixels need not be square.
        max_tracks: corners followed at once.
        max_error: pixels beyond which an observation is an outlier.
    """
    with single_numeric_thread():
        tracks = follow_corners(frames, TrackingOptions(max_tracks=max_tracks))
        return _under_cameras(tracks, camera_to_world, intrinsics, max_error)


def _under_cameras(tracks: Tracks, camera_to_world: np.ndarray, intrinsics: np.ndarray, max_error: float) -> PointCloud:
    focal = intrinsics[:, 0]
    upright = _square(tracks, intrinsics, focal)
    back = inverse(camera_to_world)
    scene = Scene(back[:, :3, :3], back[:, :3, 3], np.log(focal), np.zeros(2), np.zeros((0, 3)))
    bundle = BundleOptions(0.15, 2.0, 1.0, 1.0, float(focal[0]), fixed_cameras=True, iterations=10)
    options = RefineOptions(bundle, 10**6, MIN_ANGLE, max_error, 0.0, 0.0)
    observations, scene = structure(upright, Span(0, scene), options)
    if len(scene.points) == 0:
        return PointCloud(np.zeros((0, 3)), observations, None)
    result = adjust(scene, observations, bundle)
    kept = result.errors <= max_error
    error = float(np.sqrt(np.mean(result.errors[kept] ** 2))) if kept.any() else None
    lens = intrinsics[observations.frame]
    pixels = observations.pixels / focal[observations.frame, None] * lens[:, :2] + lens[:, 2:]
    return PointCloud(result.scene.points, replace(observations, pixels=pixels).select(kept), error)


def _square(tracks: Tracks, intrinsics: np.ndarray, focal: np.ndarray) -> Tracks:
    """Pixels as an ideal camera of focal length ``focal`` and principal point 0 would see them."""
    lens = intrinsics[tracks.frame_index]
    plane = (tracks.pixels - lens[:, 2:]) / lens[:, :2]
    return replace(tracks, pixels=plane * focal[tracks.frame_index, None])
