"""Recipe parts of the distillation stages."""

from typing import Self

from pydantic import Field, model_validator

from data_contracts.base import Record


class StudentRecipe(Record):
    """How the student is run.

    Attributes:
        chunk_frames: latent frames of a chunk; the first one takes the remainder.
        latent_frames: clips are cut to this many latent frames; 0 = whole clips.
        sigmas: explicit noise levels of its steps, falling from 1, without the final 0.
        cached_chunks: chunks whose keys softmax blocks keep; 0 = all.
        sink: whether the first chunk is always among them.
    """

    chunk_frames: int = Field(ge=1)
    latent_frames: int = Field(ge=0)
    sigmas: list[float] = Field(min_length=1)
    cached_chunks: int = Field(ge=0)
    sink: bool

    @model_validator(mode="after")
    def _falls(self) -> Self:
        falls = all(first > second for first, second in zip(self.sigmas, self.sigmas[1:], strict=False))
        if self.sigmas[0] != 1 or self.sigmas[-1] <= 0 or not falls:
            raise ValueError(f"sigmas {self.sigmas} must fall from 1 and stay above 0")
        return self


class TrajectoryRecipe(Record):
    """How the teacher's trajectories are made.

    Attributes:
        clips: training clips that get one.
        substeps: equal Euler steps between two noise levels of the student.
        guidance: scale over the caption; 1 = none.
    """

    clips: int = Field(ge=1)
    substeps: int = Field(ge=1)
    guidance: float = Field(ge=1)


class MatchingRecipe(Record):
    """Distribution matching: noise levels of the scores, guidance strength, critic updates per generator update."""

    shift: float = Field(ge=1)
    lowest: float = Field(gt=0, lt=1)
    highest: float = Field(gt=0, lt=1)
    guidance: float = Field(ge=0)
    critic_steps: int = Field(ge=1)


class RolloutRecipe(Record):
    """The stability rollout after training: how many times as long as training."""

    length_factor: int = Field(ge=1)
    seed: int = Field(ge=0)
