"""Default mode: cameras from pixels alone."""

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from data_contracts.camera import IntrinsicsSource, PoseReason
from tasks.pose.cameras import ClipPixels, PoseError, RelativeCameras, Structure, depths_of
from tasks.pose.config import PoseConfig
from tasks.pose.scale import RawScales
from tasks.vision.depth_engine import MetricDepth
from tasks.vision.sfm import SfmError, SfmOptions, reconstruct


@dataclass(frozen=True)
class PixelEngine:
    """Default mode: pixels only."""

    config: PoseConfig
    name: str = "pycolmap"

    @property
    def version(self) -> str:
        """The mapper's version."""
        return version("pycolmap")

    def cameras(self, clip: ClipPixels) -> RelativeCameras:
        """Structure from motion; declared intrinsics, if any, are kept for the camera rules alone."""
        try:
            found = reconstruct(clip.frames, sfm_options(self.config))
        except SfmError as error:
            raise PoseError(PoseReason.TOO_FEW_REGISTERED, str(error)) from error
        height, width = clip.size
        focal = found.focal
        centre = np.full_like(focal, (width - 1) / 2), np.full_like(focal, (height - 1) / 2)
        depth = depths_of(found.camera_to_world, found.points, found.observations)
        return RelativeCameras(
            found.camera_to_world,
            np.stack([focal, focal, *centre], axis=-1),
            IntrinsicsSource.ESTIMATED,
            found.focal_varies,
            found.registered,
            Structure(found.observations, depth, found.reprojection_px, len(found.points)),
            clip.size,
        )

    def refine_scale(
        self,
        cameras: RelativeCameras,  # noqa: ARG002 - part of the protocol
        metric: MetricDepth,  # noqa: ARG002
        raw: RawScales,  # noqa: ARG002
        smoothed: float,
    ) -> float:
        """The smoothed scale as it is."""
        return smoothed


def sfm_options(config: PoseConfig) -> SfmOptions:
    """The engine's options from the stage's configuration."""
    return SfmOptions(
        key_step=config.key_step,
        max_tracks=config.max_tracks,
        max_points=config.max_points,
        first_focals=config.first_focals,
        focal_known=False,
        max_error=config.max_error_px,
        settled_px=config.settled_px,
        min_registered=config.min_registered,
        focal_gain=config.focal_gain,
        focal_range=config.focal_range,
        timeout=config.mapper_timeout_s,
        seed=config.seed,
    )
