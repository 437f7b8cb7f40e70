"""Metric cameras of one clip, and how far to trust them: the rows of ``poses.parquet``.

The cameras themselves lie in ``poses/<clip_id>.safetensors`` (``docs/artifacts.md``): OpenCV camera-to-world, metres,
relative to frame 0, and ``fx fy cx cy`` in pixels of the stored clip.
"""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record
from data_contracts.clip import PoseMode


class PoseStatus(StrEnum):
    """Whether the engine delivered a camera for every frame."""

    OK = "ok"
    FAILED = "failed"


class PoseReason(StrEnum):
    """Why a clip has no poses; the filter shows it beside the rule ``pose_failed``."""

    NONE = ""
    TOO_FEW_REGISTERED = "too_few_registered"
    NO_RECONSTRUCTION = "no_reconstruction"
    ANNOTATION_MISSING = "annotation_missing"
    POSE_ROWS = "pose_rows"
    POSE_NOT_FINITE = "pose_not_finite"
    POSE_NOT_RIGID = "pose_not_rigid"
    SCALE_UNOBSERVABLE = "scale_unobservable"
    WORKER_FAILED = "worker_failed"


class ScaleSource(StrEnum):
    """Where the metres come from. A prior is never shown as a measurement."""

    SENSOR_DEPTH = "sensor_depth"
    DEPTH_MODEL = "depth_model"
    SPEED_PRIOR = "speed_prior"
    NONE = "none"


class IntrinsicsSource(StrEnum):
    """Whose focal length the field of view and the focal mismatch speak of."""

    DECLARED = "declared"
    ESTIMATED = "estimated"


class PoseRow(Record):
    """One row of ``poses.parquet``: one clip that the screen let through.

    Measures are None exactly when ``status`` is ``failed`` before they could be taken, or when they do not exist for
    the clip (``scale_cov`` without per-frame scales).

    Attributes:
        clip_id: the clip; its cameras are in ``poses/<clip_id>.safetensors`` when ``status`` is ``ok``.
        path: the listed input, for messages.
        mode: annotation mode of its source (App. B.1).
        engine: pose engine, ``engine_version`` its version.
        status: ``ok`` or ``failed``.
        reason: why it failed, else empty; ``detail`` adds the numbers.
        scale: metres per unit of the engine's (or the source's) translation.
        scale_source: what gave ``scale``.
        scale_frames: frames with a raw scale s_t.
        scale_cov: std(s_t) / (mean(s_t) + eps) on raw scales (App. B.3: at most 2.0).
        intrinsics_source: declared by the source, or estimated.
        intrinsics_vary: the focal length changes over the clip (per-frame intrinsics were kept).
        fov_x_min: smallest horizontal field of view, degrees, 2 atan(W / 2 fx) (App. B.3: within 25..120);
            likewise ``fov_x_max``, ``fov_y_min``, ``fov_y_max``.
        focal_mismatch: largest |fx - fy| / ((fx + fy) / 2) over frames (App. B.3: at most 0.20).
        rotation_step_deg: largest rotation between neighbouring frames, degrees.
        rotation_jerk_deg: largest change of that step from one frame pair to the next, degrees.
        translation_jerk: largest second difference of the centres over the mean step (floored where the camera only
            turns); 0 for uniform motion.
        path_length_m: length of the path of the camera centre, metres.
        registered_fraction: share of frames whose pose was measured (the others are interpolated).
        reprojection_px: root mean square reprojection error of the kept structure, pixels of the stored clip; None in
            modes that triangulate nothing.
        points: structure points kept.
    """

    clip_id: str
    path: str
    mode: PoseMode
    engine: str
    engine_version: str
    status: PoseStatus
    reason: PoseReason = PoseReason.NONE
    detail: str = ""
    scale: float | None = None
    scale_source: ScaleSource = ScaleSource.NONE
    scale_frames: int = Field(default=0, ge=0)
    scale_cov: float | None = None
    intrinsics_source: IntrinsicsSource = IntrinsicsSource.ESTIMATED
    intrinsics_vary: bool = False
    fov_x_min: float | None = None
    fov_x_max: float | None = None
    fov_y_min: float | None = None
    fov_y_max: float | None = None
    focal_mismatch: float | None = None
    rotation_step_deg: float | None = None
    rotation_jerk_deg: float | None = None
    translation_jerk: float | None = None
    path_length_m: float | None = None
    registered_fraction: float = Field(default=0.0, ge=0, le=1)
    reprojection_px: float | None = None
    points: int = Field(default=0, ge=0)
