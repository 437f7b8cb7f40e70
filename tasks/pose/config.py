"""Configuration of the ``pose`` stage."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record


class ScaleWeight(StrEnum):
    """Whose inverse depth weighs a pixel in the fit of s_t (App. B.1 says ``1 / d_i`` and leaves open which)."""

    PREDICTED = "predicted"
    METRIC = "metric"


class ScaleSmoothing(StrEnum):
    """How raw per-frame scales become the scale of the clip."""

    MEDIAN = "median"
    EMA = "ema"


class PoseEngineKind(StrEnum):
    """Who finds cameras in default mode."""

    PYCOLMAP = "pycolmap"


class PoseConfig(Record):
    """How cameras and their metric scale are found.

    Attributes:
        engine: pose engine of the default mode.
        key_step: every so many frames is a key frame of the mapper.
        max_tracks: corners followed at once.
        max_points: structure points in the final adjustment.
        first_focals: focal lengths over the width that the mapper starts from, in turn.
        max_error_px: pixels a good match may be off.
        settled_px: root mean square error in pixels at which a start of the mapper is believed without a second one.
        min_registered: share of frames the structure must see, else the clip fails.
        focal_gain: cost with per-frame focal lengths over cost with a shared one, below which they are kept.
        focal_range: log range over the clip they must show.
        mapper_timeout_s: seconds one run of the mapper may take.
        min_scale_points: points with metric depth that a frame needs to give a raw scale.
        scale_weight: whose inverse depth is the weight.
        scale_smoothing: from raw scales to the clip's scale.
        scale_momentum: of the exponential moving average.
        inlier_percentile: residuals kept by the Umeyama refit in ``gt_pose`` mode.
        fallback_speed: metres per second assumed where a source declares none.
        max_prior_depth_m: a speed prior may not put the median point farther away than this.
        rigid_tolerance: Frobenius distance of a source's rotation from a rotation, beyond which it is refused.
        seed: of every random draw.
    """

    engine: PoseEngineKind
    key_step: int = Field(ge=1)
    max_tracks: int = Field(ge=50)
    max_points: int = Field(ge=50)
    first_focals: tuple[float, ...] = Field(min_length=1)
    max_error_px: float = Field(gt=0)
    settled_px: float = Field(gt=0)
    min_registered: float = Field(gt=0, le=1)
    focal_gain: float = Field(gt=0, le=1)
    focal_range: float = Field(ge=0)
    mapper_timeout_s: float = Field(gt=0)
    min_scale_points: int = Field(ge=3)
    scale_weight: ScaleWeight
    scale_smoothing: ScaleSmoothing
    scale_momentum: float = Field(ge=0, lt=1)
    inlier_percentile: float = Field(gt=0, le=100)
    fallback_speed: float = Field(gt=0)
    max_prior_depth_m: float = Field(gt=0)
    rigid_tolerance: float = Field(gt=0)
    seed: int = Field(ge=0)
