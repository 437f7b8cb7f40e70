"""``gt_depth`` and ``gt_pose``: the source's own cameras, and the depths that give them metres (App. B.1)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from data_contracts.camera import IntrinsicsSource, PoseReason
from model.geometry.alignment import AlignmentError, umeyama_inliers
from model.geometry.intrinsics import unproject
from model.geometry.se3 import orthonormalize, relative_to_first, rigidity_error
from tasks.pose.cameras import ClipPixels, PoseError, RelativeCameras, Structure, depths_of
from tasks.pose.config import PoseConfig
from tasks.pose.scale import RawScales
from tasks.vision.bundle import Observations
from tasks.vision.depth_engine import MetricDepth, sample_depth
from tasks.vision.structure import triangulate_under_cameras

CONSISTENT = 0.2  # relative distance from the smoothed scale beyond which a frame is left out of the Umeyama fit


@dataclass(frozen=True)
class SourceDepthEngine:
    """``gt_depth``: the source's cameras; its own depth, in its own unit, meets the metric one."""

    config: PoseConfig
    name: str = "source_depth"
    version: str = "1"

    def cameras(self, clip: ClipPixels) -> RelativeCameras:
        """The source's cameras, with its depth sampled on a grid as structure."""
        poses, intrinsics = source_cameras(clip, self.config)
        maps, index = clip.annotations.depth, clip.annotations.depth_frames
        if maps is None or index is None or len(index) == 0:
            raise PoseError(PoseReason.ANNOTATION_MISSING, "gt_depth mode needs the source's depth; it ships none")
        height, width = clip.size
        y, x = np.meshgrid(np.arange(2, height - 2, 4), np.arange(2, width - 2, 4), indexing="ij")
        pixels = np.stack([x.ravel(), y.ravel()], axis=-1).astype(np.float64)
        frames, depths, places = [], [], []
        for frame, depth in zip(index, maps, strict=True):
            values, trusted = sample_depth(depth, pixels, clip.size)
            frames.append(np.full(int(trusted.sum()), int(frame)))
            depths.append(values[trusted])
            places.append(pixels[trusted])
        observations = Observations(np.concatenate(frames), np.arange(sum(map(len, frames))), np.concatenate(places))
        structure = Structure(observations, np.concatenate(depths).astype(np.float64), None, 0)
        return _declared(poses, intrinsics, structure, clip.size)

    def refine_scale(
        self,
        cameras: RelativeCameras,  # noqa: ARG002 - part of the protocol
        metric: MetricDepth,  # noqa: ARG002
        raw: RawScales,  # noqa: ARG002
        smoothed: float,
    ) -> float:
        """The smoothed scale as it is."""
        return smoothed


@dataclass(frozen=True)
class SourcePoseEngine:
    """``gt_pose``: the source's cameras, of unknown scale; structure is triangulated under them."""

    config: PoseConfig
    name: str = "source_pose"
    version: str = "1"

    def cameras(self, clip: ClipPixels) -> RelativeCameras:
        """The source's cameras with the points their rays agree on."""
        poses, intrinsics = source_cameras(clip, self.config)
        found = triangulate_under_cameras(
            clip.frames, poses, intrinsics, self.config.max_tracks, self.config.max_error_px
        )
        depth = depths_of(poses, found.points, found.observations)
        structure = Structure(found.observations, depth, found.reprojection_px, len(found.points))
        return _declared(poses, intrinsics, structure, clip.size)

    def refine_scale(self, cameras: RelativeCameras, metric: MetricDepth, raw: RawScales, smoothed: float) -> float:
        """Umeyama between the structure and its metric twin, kept to 80th-percentile inliers (App. B.1).

        Both point sets are in the coordinates of the camera that sees them, so that frames whose raw scale is
        consistent can be pooled.
        """
        steady = set(raw.frames[np.abs(raw.values / smoothed - 1) <= CONSISTENT].tolist())
        own, true = [], []
        for frame, one in zip(metric.frames, metric.maps, strict=True):
            if int(frame) not in steady:
                continue
            rows = cameras.structure.observations.frame == frame
            pixels, depth = cameras.structure.observations.pixels[rows], cameras.structure.depth[rows]
            measured, trusted = sample_depth(one, pixels, cameras.size)
            lens = cameras.intrinsics[int(frame)]
            own.append(unproject(pixels[trusted], depth[trusted], lens))
            true.append(unproject(pixels[trusted], measured[trusted], lens))
        try:
            fit = umeyama_inliers(np.concatenate(own), np.concatenate(true), self.config.inlier_percentile)
        except (AlignmentError, ValueError):
            return smoothed
        return fit.similarity.scale if fit.similarity.scale > 0 else smoothed


def source_cameras(
    clip: ClipPixels, config: PoseConfig
) -> tuple[Float[np.ndarray, "frames 4 4"], Float[np.ndarray, "frames 4"]]:
    """The source's poses relative to frame 0, and its intrinsics, checked.

    Raises:
        PoseError: they are missing, do not match the frames, hold NaN, or are no rigid motions.
    """
    shipped = clip.annotations
    if shipped.nonfinite_pose_rows:
        raise PoseError(PoseReason.POSE_NOT_FINITE, f"{shipped.nonfinite_pose_rows} rows hold a NaN or an infinity")
    poses, intrinsics = shipped.camera_to_world, shipped.intrinsics
    if poses is None and shipped.pose_rows >= 0:
        raise PoseError(PoseReason.POSE_ROWS, f"{shipped.pose_rows} pose rows for {shipped.native_frames} frames")
    if poses is None or intrinsics is None:
        raise PoseError(PoseReason.ANNOTATION_MISSING, "the mode needs the source's poses and intrinsics")
    if len(poses) != len(clip.frames) or len(intrinsics) != len(clip.frames):
        raise PoseError(PoseReason.POSE_ROWS, f"{len(poses)} poses for {len(clip.frames)} frames")
    if not (np.isfinite(poses).all() and np.isfinite(intrinsics).all()):
        raise PoseError(PoseReason.POSE_NOT_FINITE, "a pose or intrinsics value is not finite")
    error = float(rigidity_error(poses).max())
    if error > config.rigid_tolerance:
        raise PoseError(PoseReason.POSE_NOT_RIGID, f"distance {error:.3g} from a rigid motion")
    return relative_to_first(orthonormalize(poses)), np.asarray(intrinsics, dtype=np.float64)


def _declared(
    poses: np.ndarray, intrinsics: np.ndarray, structure: Structure, size: tuple[int, int]
) -> RelativeCameras:
    vary = bool(np.ptp(intrinsics[:, 0]) > 1e-6 * intrinsics[0, 0])
    seen = np.ones(len(poses), dtype=bool)
    return RelativeCameras(poses, intrinsics, IntrinsicsSource.DECLARED, vary, seen, structure, size)
