"""Layouts of backbone weights, and what ``wm weights`` says about them."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from data_contracts.base import Record


class WeightsLayout(StrEnum):
    """How a backbone lies on disk (``model_spec.md`` section 8)."""

    OURS = "sana-wm"
    BIDIRECTIONAL = "released-bidirectional"
    CHUNK_CAUSAL = "released-chunk-causal"
    STREAMING = "released-streaming"
    DIFFUSERS = "diffusers"


class ProfileChoice(StrEnum):
    """The numeric profiles (``model_spec.md`` section 0)."""

    V1 = "v1"
    V2 = "v2"
    DIFFUSERS = "diffusers"


class Preset(StrEnum):
    """Sizes of a random checkpoint."""

    TINY = "tiny"
    PAPER = "paper"


class KeyProblem(Record):
    """One thing wrong with a weights file; ``key`` is empty where no single tensor is to blame."""

    key: str
    kind: Literal["file", "unknown", "missing", "shape", "dtype", "not_finite"]
    detail: str


class VerifyReport(Record):
    """``wm weights verify PATH --json``: every tensor was read."""

    path: str
    layout: str
    tensors: int
    used: int
    known_unused: int
    problems: list[KeyProblem]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


class ConversionReport(Record):
    """``wm weights convert --json``.

    ``written`` are paths relative to the target; ``carried_unused`` keys the network does not read but both layouts
    have, copied; ``placeholders`` keys the target must have and the source lacks, written with their initial values.
    """

    source: str
    source_layout: WeightsLayout
    layout: WeightsLayout
    numerics: str
    parameters: int
    written: list[str]
    carried_unused: list[str]
    placeholders: list[str]
    dropped: list[str]
    notes: list[str]


class ProfileLoss(Record):
    """Flow-matching loss of one checkpoint under one profile.

    ``against_best`` is the mean over clips and noise levels of the loss minus that of the best profile, with its
    standard error: cases are paired (same clip, same noise).
    """

    profile: str
    loss: float
    against_best: float = Field(ge=0)
    standard_error: float = Field(ge=0)


class ProbeReport(Record):
    """``wm weights probe-profile --json``."""

    checkpoint: str
    clips: int
    cases: int
    mode: Literal["bidirectional", "teacher", "streaming"]
    losses: list[ProfileLoss]
    not_applicable: dict[str, str]
    recommended: str
    reason: str
