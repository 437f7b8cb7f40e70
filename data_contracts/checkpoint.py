"""``model.json``: what a checkpoint is, beside its ``model.safetensors``."""

from typing import Literal

from pydantic import Field

from data_contracts.base import Record


class ArchitectureInfo(Record):
    """Sizes of the backbone, field by field those of ``model.config.BackboneConfig``."""

    latent_channels: int = Field(ge=1)
    hidden: int = Field(ge=8)
    heads: int = Field(ge=1)
    depth: int = Field(ge=1)
    softmax_blocks: list[int]
    mixer: Literal["linear", "frame_gdn"]
    camera_branch: bool
    mlp_ratio: float = Field(gt=0)
    caption_channels: int = Field(ge=1)
    text_tokens: int = Field(ge=1)
    conv_taps: int = Field(ge=2)
    plucker_channels: int = Field(ge=1)
    timestep_channels: int = Field(ge=2)
    rope_theta: float = Field(gt=1)
    max_positions: int = Field(ge=1)
    norm_eps: float = Field(gt=0)
    cross_norm_eps: float = Field(gt=0)
    layer_norm_eps: float = Field(gt=0)
    gdn_eps: float = Field(gt=0)


class CheckpointInfo(Record):
    """A checkpoint's architecture, the numeric profile it is run under, and where it comes from.

    Attributes:
        format_version: of this record.
        stage: the stage that trained it; empty for fixtures.
        architecture: sizes.
        numerics: profile it is run under (``model_spec.md`` section 0).
        parent_digest: SHA-256 of the parent's ``model.safetensors``; empty for a root.
        chunk_frames: latent frames of a chunk it was trained with; 0 = bidirectional.
        sigmas: the explicit few-step schedule of a distilled student; empty otherwise.
    """

    format_version: int = 1
    stage: str = ""
    architecture: ArchitectureInfo
    numerics: Literal["v1", "v2", "diffusers"] = "v2"
    parent_digest: str = ""
    chunk_frames: int = Field(default=0, ge=0)
    sigmas: list[float] = Field(default_factory=list)


class TransferReport(Record):
    """``transfer.json``: what became of every key between a parent and its child.

    ``rules`` names the rules that were applied, in order. ``initialized`` are keys the parent does not have, with the
    rule that filled them; ``dropped`` are the parent's keys the child has no place for.
    """

    rules: list[str]
    carried: list[str]
    initialized: dict[str, str]
    dropped: list[str]


class TensorHeader(Record):
    """One tensor of a safetensors header."""

    dtype: str
    shape: list[int]


class KeyMapSummary(Record):
    """How the keys of a file meet the network; ``known_unused`` says why each is not read."""

    used: int
    known_unused: dict[str, str]
    unknown: list[str]
    missing: list[str]


class WeightsReport(Record):
    """``wm weights inspect PATH --json``: read from the headers alone.

    ``layout`` is a ``WeightsLayout``; "unknown" for what is not a backbone.
    """

    path: str
    layout: str
    bytes: int
    parameters: int
    dtypes: dict[str, int]
    numerics: str
    architecture: ArchitectureInfo | None
    key_map: KeyMapSummary
    tensors: dict[str, TensorHeader]
