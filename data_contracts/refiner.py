"""The refiner's recipe parts and ``refiner.json``."""

from pydantic import Field

from data_contracts.base import Record
from data_contracts.recipe import Preset


class BaseRecipe(Record):
    """Where the refiner's base comes from.

    With a ``repository`` its released weights are read at ``revision``; without one the embedded base is trained here,
    ``steps`` steps of plain flow matching on the corpus, as the stand-in for LTX-2's own pre-training.
    """

    repository: str
    revision: str
    steps: int = Field(ge=0)
    learning_rate: float = Field(gt=0)


class PairRecipe(Record):
    """Pairs of a coarse latent and its target.

    ``clips`` training clips are paired; every other one with the student's own rollout (synthetic), the rest with
    itself, its pixels shrunk by ``downsampling`` and enlarged again (real).
    """

    clips: int = Field(ge=1)
    downsampling: int = Field(ge=2)


class AdapterRecipe(Record):
    """Low-rank adapters (alpha equals the rank) and the strength of their merge."""

    rank: int = Field(ge=1)
    strength: float = Field(gt=0)


class RefinerArchitecture(Record):
    """Sizes of the LTX-2 layout transformer, field by field those of ``model.refiner.transformer.RefinerConfig``."""

    num_attention_heads: int
    attention_head_dim: int
    cross_attention_dim: int
    num_layers: int
    caption_channels: int
    audio_num_attention_heads: int
    audio_attention_head_dim: int
    audio_cross_attention_dim: int


class RefinerInfo(Record):
    """``refiner.json``: what ``merged.safetensors`` is and how to run it.

    ``merged`` maps each weight the adapters changed to the relative size of its change; ``untouched`` counts the rest.
    """

    format_version: int = 1
    preset: Preset
    architecture: RefinerArchitecture
    sigma_start: float
    sigmas: list[float]
    reference_frames: int
    frame_rate: float
    rank: int
    strength: float
    merged: dict[str, float]
    untouched: int
    student_digest: str
