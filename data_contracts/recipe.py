"""Training recipes: the parts that the recipes of several stages share.

A recipe is a YAML file in ``workflows/recipes/<profile>``. Nothing here has a default: every value is written down
there, the paper's with its place, ours with a reason.
"""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from data_contracts.base import Record


class Preset(StrEnum):
    """Sizes of the backbone."""

    TINY = "tiny"
    PAPER = "paper"


class Mixer(StrEnum):
    """The time mixer of the blocks that are not softmax attention."""

    LINEAR = "linear"
    FRAME_GDN = "frame_gdn"


class LayoutKind(StrEnum):
    """Which frames see which: all see all, or chunks of which the first is one frame longer."""

    SINGLE = "single"
    FIRST_PLUS_ONE = "first_plus_one"


class NumericsProfile(StrEnum):
    """Numerics a checkpoint may be trained under. ``v1`` is for inference only, so no recipe can name it."""

    V2 = "v2"


class SubsetRule(StrEnum):
    """Which clips of a view are used.

    ``codec_fidelity`` keeps the share of clips that the codec represents best: a fine-tuning target can be no better
    than its latent.
    """

    ALL = "all"
    CODEC_FIDELITY = "codec_fidelity"


class TimestepKind(StrEnum):
    """One noise level per clip, or one per chunk by a mixture."""

    PER_CLIP = "per_clip"
    CHUNK_MIXTURE = "chunk_mixture"


class Recomputation(StrEnum):
    """What a backward pass computes again: nothing, all of a block, or all but its softmax attentions."""

    NONE = "none"
    FULL = "full"
    SELECTIVE = "selective"


class Precision(StrEnum):
    """Arithmetic of the forward and backward pass; parameters and optimizer state are float32."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Device(StrEnum):
    """Where a stage trains."""

    CPU = "cpu"
    CUDA = "cuda"


class ArchitectureRecipe(Record):
    """What the stage's model is made of. ``hybrid`` puts softmax attention into the preset's softmax blocks."""

    preset: Preset
    mixer: Mixer
    hybrid: bool
    camera: bool
    numerics: NumericsProfile


class LayoutRecipe(Record):
    """The chunk layout."""

    kind: LayoutKind
    chunk_frames: int = Field(ge=1)


class OptimizerRecipe(Record):
    """AdamW with a constant rate between linear warm-up and cool-down, and clipping by global norm."""

    learning_rate: float = Field(gt=0)
    beta1: float = Field(ge=0, lt=1)
    beta2: float = Field(ge=0, lt=1)
    epsilon: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    gradient_clip: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    cooldown_steps: int = Field(ge=0)


class CorpusRecipe(Record):
    """Which clips a stage reads.

    ``sources`` empty = all; a source missing in ``source_weights`` has weight 1. ``maximum_raw_frames`` 0 = any length.
    """

    sources: list[str]
    source_weights: dict[str, float]
    minimum_raw_frames: int = Field(ge=1)
    maximum_raw_frames: int = Field(ge=0)
    subset_rule: SubsetRule
    subset_fraction: float = Field(gt=0, le=1)


class ParallelRecipe(Record):
    """How many processes, and how they share the work.

    ``context_parallel`` consecutive ranks share one clip along time; the rest of the world is data parallel.
    """

    world_size: int = Field(ge=1)
    context_parallel: int = Field(ge=1)
    global_batch: int = Field(ge=1, description="clips per step over the whole world")

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.world_size % self.context_parallel:
            raise ValueError(f"world_size {self.world_size} is no multiple of context_parallel {self.context_parallel}")
        if self.global_batch % self.data_parallel:
            raise ValueError(
                f"global_batch {self.global_batch} is no multiple of the {self.data_parallel} data-parallel groups"
            )
        return self

    @property
    def data_parallel(self) -> int:
        """Groups of ranks that see different clips."""
        return self.world_size // self.context_parallel

    @property
    def clips_per_group(self) -> int:
        """Clips of one step that each group sees."""
        return self.global_batch // self.data_parallel


class FlowRecipe(Record):
    """The flow-matching objective: shift of the noise schedule, and how conditions are dropped."""

    shift: float = Field(ge=1)
    clean_first_frame: float = Field(ge=0, le=1, description="probability that the first frame is given")
    text_dropout: float = Field(ge=0, le=1)


class TimestepRecipe(Record):
    """How noise levels are drawn. The four weights belong to ``chunk_mixture`` and are normalized to sum 1."""

    kind: TimestepKind
    same: float = Field(ge=0)
    incremental: float = Field(ge=0)
    last_chunk_anchor: float = Field(ge=0)
    teacher_forcing_clean: float = Field(ge=0)

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if self.kind is TimestepKind.CHUNK_MIXTURE and not sum(self.weights):
            raise ValueError("a chunk mixture needs a weight above 0")
        return self

    @property
    def weights(self) -> tuple[float, float, float, float]:
        """Weights in the order of the fields."""
        return (self.same, self.incremental, self.last_chunk_anchor, self.teacher_forcing_clean)


class HeldOutRecipe(Record):
    """The fixed clips and noise on which a stage's objective is measured before and after.

    Each of ``clips`` held-out clips is noised at ``noise_levels`` levels: the middles of equal parts of the training
    distribution.
    """

    clips: int = Field(ge=1)
    noise_levels: int = Field(ge=1)
    seed: int = Field(ge=0)


class ComputeRecipe(Record):
    """Device and arithmetic."""

    device: Device
    precision: Precision


class FlowComputeRecipe(ComputeRecipe):
    """Device and arithmetic of the flow-matching stages, and which activations are computed again."""

    recomputation: Recomputation
