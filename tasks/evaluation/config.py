"""Configuration of the ``evaluate`` stage."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record
from data_contracts.wire import GenerationMode


class PoseEstimatorName(StrEnum):
    """What finds the cameras of a generated video."""

    EMBEDDED_SFM = "embedded_sfm"
    PI3X = "pi3x"


class EvaluateConfig(Record):
    """The benchmark and how it is run.

    Attributes:
        scenes_per_split: scenes of each split; fewer accepted scenes give fewer.
        raw_frames: of each path (8k+1).
        degrees_per_second: largest turn of a path.
        metres_per_second: largest mean speed of a path.
        smoothing_rounds: of Laplacian smoothing.
        metres_per_radian: how much arc length a turn counts.
        revisit_gap_seconds: least time between the two frames of a revisit pair.
        revisit_pairs: pairs stored per scene.
        window_seconds: of the temporal drift.
        pose_interval: every so many frames a pose is compared.
        estimator: pose estimator.
        estimator_key_step: every so many frames is a key frame of the embedded estimator.
        estimator_tracks: corners alive at once, ``estimator_points`` points of its adjustment.
        estimator_min_registered: share of frames it must see, or the video counts as failed.
        estimator_timeout: seconds for one run of its mapper.
        real_clips: held-out real clips scored by the same code as upper bound.
        mode: sampler, ``steps``, ``shift`` and ``guidance`` those of the bidirectional one.
        cached_chunks: chunks softmax blocks keep, ``sink`` whether the first always is one.
        seed: of every video.
        video_quality: x264's constant rate factor of the stored videos.
    """

    scenes_per_split: int = Field(ge=1)
    raw_frames: int = Field(ge=17)
    degrees_per_second: float = Field(gt=0)
    metres_per_second: float = Field(gt=0)
    smoothing_rounds: int = Field(ge=0)
    metres_per_radian: float = Field(gt=0)
    revisit_gap_seconds: float = Field(gt=0)
    revisit_pairs: int = Field(ge=1)
    window_seconds: float = Field(gt=0)
    pose_interval: int = Field(ge=1)
    estimator: PoseEstimatorName
    estimator_key_step: int = Field(ge=1)
    estimator_tracks: int = Field(ge=50)
    estimator_points: int = Field(ge=50)
    estimator_min_registered: float = Field(gt=0, le=1)
    estimator_timeout: float = Field(gt=0)
    real_clips: int = Field(ge=0)
    mode: GenerationMode
    steps: int = Field(ge=1)
    shift: float = Field(gt=0)
    guidance: float = Field(ge=1)
    cached_chunks: int = Field(ge=1)
    sink: bool
    seed: int = Field(ge=0)
    video_quality: int = Field(ge=0, le=51)
