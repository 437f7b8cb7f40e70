"""Configuration of the ``splat`` stage."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record


class MotionFamily(StrEnum):
    """Motion families of candidate paths (App. B.2)."""

    ORBIT = "orbit"
    SPIRAL = "spiral"
    DOLLY = "dolly"
    FLY_THROUGH = "fly_through"
    RANDOM_WALK = "random_walk"
    CRANE = "crane"
    PENDULUM = "pendulum"
    COMPOUND = "compound"


class SplatConfig(Record):
    """How paths are designed, tested and rendered.

    Attributes:
        height: picture height in pixels.
        width: picture width in pixels.
        fps: frame rate of the clips.
        frames: raw frames per clip, 8k+1.
        near_view_paths: candidates that stay close to the training views.
        family_paths: candidates shared out over ``families`` in turn.
        families: motion families.
        clips_per_scene: most clips rendered per scene, the liveliest of those that pass; 0 = all that pass.
        maximum_gaussians: larger scenes are rendered at a coarser level of detail; 0 = never.
        smoothing_divisor: paths are smoothed with sigma = frames / this.
        coverage_stride: every so many frames one view is tested.
        coverage_samples: Gaussian centres the tests look at.
        coverage_minimum: share of the sampled centres that must lie in the frustum of a view.
        covered_views_minimum: share of views that must pass.
        tile: edge in pixels of the tiles of the tile test.
        empty_tiles_maximum: share of empty tiles above which a view is rejected.
        blank_cover: a frame with less than this share of covered pixels is near blank.
        near_blank_maximum: share of near-blank frames above which a clip is discarded.
        restore_strength: color deviation (0..1) that the restore filter takes for noise.
        quality: x264 constant rate factor of the stored clip.
        seed: of all draws, together with the scene's digest.
    """

    height: int = Field(ge=32, multiple_of=32)
    width: int = Field(ge=32, multiple_of=32)
    fps: float = Field(gt=0)
    frames: int = Field(ge=9)
    near_view_paths: int = Field(ge=0)
    family_paths: int = Field(ge=0)
    families: list[MotionFamily] = Field(min_length=1)
    clips_per_scene: int = Field(ge=0)
    maximum_gaussians: int = Field(ge=0)
    smoothing_divisor: float = Field(gt=0)
    coverage_stride: int = Field(ge=1)
    coverage_samples: int = Field(ge=1)
    coverage_minimum: float = Field(ge=0, le=1)
    covered_views_minimum: float = Field(ge=0, le=1)
    tile: int = Field(ge=1)
    empty_tiles_maximum: float = Field(ge=0, le=1)
    blank_cover: float = Field(ge=0, le=1)
    near_blank_maximum: float = Field(ge=0, le=1)
    restore_strength: float = Field(ge=0, le=1)
    quality: int = Field(ge=0, le=51)
    seed: int = Field(ge=0)
