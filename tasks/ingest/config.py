"""Configuration of ``ingest``; the values live in ``workflows/recipes/*/ingest.yaml``."""

from pydantic import Field, field_validator

from data_contracts.base import Record


class IngestConfig(Record):
    """How inputs become clips.

    Attributes:
        height: pixels of the stored clip, a multiple of 32; likewise ``width``.
        fps: frame rate of the stored clip.
        minimum_frames: shortest clip kept, of the form 8k+1.
        maximum_frames: longest clip, of the form 8k+1.
        verify_seconds: how much of a longer file is decoded to find damage behind the cut.
        quality: x264's constant rate factor of the stored clip.
        depth_stride: every how many clip frames the source's dense depth is kept.
        val_percent: share of scenes held out for validation, by hash; ``benchmark_percent`` likewise.
    """

    height: int = Field(ge=32, multiple_of=32)
    width: int = Field(ge=32, multiple_of=32)
    fps: float = Field(gt=0)
    minimum_frames: int = Field(ge=9)
    maximum_frames: int = Field(ge=9)
    verify_seconds: float = Field(ge=0)
    quality: int = Field(ge=0, le=51)
    depth_stride: int = Field(ge=1)
    val_percent: int = Field(ge=0, le=50)
    benchmark_percent: int = Field(ge=0, le=50)

    @field_validator("minimum_frames", "maximum_frames")
    @classmethod
    def _is_whole_latent_frames(cls, value: int) -> int:
        if value % 8 != 1:
            raise ValueError(f"{value} frames is not of the form 8k+1")
        return value
