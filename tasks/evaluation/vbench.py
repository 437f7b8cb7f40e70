"""How VBench's dimensions become one "Overall": the aggregation alone. Its networks need weights and run elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Dimension(StrEnum):
    """The seven dimensions of video quality."""

    SUBJECT_CONSISTENCY = "subject_consistency"
    BACKGROUND_CONSISTENCY = "background_consistency"
    TEMPORAL_FLICKERING = "temporal_flickering"
    MOTION_SMOOTHNESS = "motion_smoothness"
    AESTHETIC_QUALITY = "aesthetic_quality"
    IMAGING_QUALITY = "imaging_quality"
    DYNAMIC_DEGREE = "dynamic_degree"


BOUNDS: Mapping[Dimension, tuple[float, float]] = {
    Dimension.SUBJECT_CONSISTENCY: (0.1462, 1.0),
    Dimension.BACKGROUND_CONSISTENCY: (0.2615, 1.0),
    Dimension.TEMPORAL_FLICKERING: (0.6293, 1.0),
    Dimension.MOTION_SMOOTHNESS: (0.706, 0.9975),
    Dimension.AESTHETIC_QUALITY: (0.0, 1.0),
    Dimension.IMAGING_QUALITY: (0.0, 1.0),
    Dimension.DYNAMIC_DEGREE: (0.0, 1.0),
}
WEIGHTS: Mapping[Dimension, float] = {
    dimension: 0.5 if dimension is Dimension.DYNAMIC_DEGREE else 1.0 for dimension in Dimension
}


def quality_score(scores: Mapping[Dimension, float]) -> float:
    """The paper's "Overall" in [0, 1]: bounds to [0, 1] with clipping, then the weighted mean (dynamic degree 0.5).

    Raises:
        KeyError: a dimension is missing; a missing score is never a zero.
    """
    return _mean([(scores[key], BOUNDS[key], WEIGHTS[key]) for key in Dimension])


class ImageDimension(StrEnum):
    """The three axes that VBench-I2V adds."""

    CAMERA_MOTION = "camera_motion"
    SUBJECT = "i2v_subject"
    BACKGROUND = "i2v_background"


IMAGE_BOUNDS: Mapping[ImageDimension, tuple[float, float]] = {
    ImageDimension.CAMERA_MOTION: (0.0, 1.0),
    ImageDimension.SUBJECT: (0.1462, 1.0),
    ImageDimension.BACKGROUND: (0.2615, 1.0),
}
IMAGE_WEIGHTS: Mapping[ImageDimension, float] = {
    ImageDimension.CAMERA_MOTION: 0.1,
    ImageDimension.SUBJECT: 1.0,
    ImageDimension.BACKGROUND: 1.0,
}


@dataclass(frozen=True)
class ImageToVideoScore:
    """The two halves of VBench-I2V (Tables 3 and 10) and their mean."""

    quality: float
    image: float

    @property
    def total(self) -> float:
        """Mean of both halves."""
        return (self.quality + self.image) / 2


def image_to_video_score(
    quality: Mapping[Dimension, float], image: Mapping[ImageDimension, float]
) -> ImageToVideoScore:
    """VBench-I2V: the quality half leaves temporal flickering out; camera motion weighs 0.1 in the other half.

    Raises:
        KeyError: a dimension is missing.
    """
    used = [dimension for dimension in Dimension if dimension is not Dimension.TEMPORAL_FLICKERING]
    return ImageToVideoScore(
        _mean([(quality[key], BOUNDS[key], WEIGHTS[key]) for key in used]),
        _mean([(image[key], IMAGE_BOUNDS[key], IMAGE_WEIGHTS[key]) for key in ImageDimension]),
    )


def _mean(rows: Sequence[tuple[float, tuple[float, float], float]]) -> float:
    """Weighted mean of scores brought to [0, 1] by their bounds, with clipping."""
    shares = [weight * min(1.0, max(0.0, (score - low) / (high - low))) for score, (low, high), weight in rows]
    return sum(shares) / sum(weight for _, _, weight in rows)
