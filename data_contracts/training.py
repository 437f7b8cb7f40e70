"""What a training stage reports of itself, as artifact bytes: no times, no machine."""

from pydantic import Field

from data_contracts.base import Record


class TrainingMetrics(Record):
    """``metrics.json``: one number per step. ``loss`` is the mean over the whole world's clips of that step."""

    loss: list[float]
    gradient_norm: list[float]
    learning_rate: list[float]


class HeldOutReport(Record):
    """``held_out.json``: the stage's own objective on fixed held-out clips and noise, before and after training.

    ``before_shuffled_cameras`` and ``after_shuffled_cameras`` are the same with every clip given another clip's camera;
    None where the model has no camera input. ``fall`` is ``1 - after / before``.
    """

    objective: str
    before: float
    after: float
    fall: float
    before_shuffled_cameras: float | None
    after_shuffled_cameras: float | None
    clips: int = Field(ge=1)
    noise_levels: int = Field(ge=1)
    clip_ids: list[str]


class RolloutReport(Record):
    """``rollout.json``: a rollout ten times as long as training, chunk by chunk.

    ``pixel_deviation`` is the standard deviation of decoded pixels (in [-1, 1]) of each frame, averaged over a chunk;
    ``smallest_ratio`` and ``largest_ratio`` compare it with that of the first chunk.
    """

    frames: int
    training_frames: int
    finite: bool
    pixel_deviation: list[float]
    smallest_ratio: float
    largest_ratio: float
