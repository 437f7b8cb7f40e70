"""Configuration of the refiner stage; the values are in ``workflows/recipes``."""

from pydantic import Field

from data_contracts.base import Record
from data_contracts.recipe import ComputeRecipe, CorpusRecipe, HeldOutRecipe, OptimizerRecipe, ParallelRecipe, Preset
from data_contracts.refiner import AdapterRecipe, BaseRecipe, PairRecipe


class RefinerLoraConfig(Record):
    """Truncated-sigma training of adapters on the refiner's base."""

    student: str
    preset: Preset
    base: BaseRecipe
    pairs: PairRecipe
    adapters: AdapterRecipe
    sigma_start: float = Field(gt=0, le=1)
    reference_frames: int = Field(ge=1)
    frame_rate: float = Field(gt=0)
    latent_frames: int = Field(ge=0, description="clips are cut to this many latent frames; 0 = whole clips")
    corpus: CorpusRecipe
    parallel: ParallelRecipe
    optimizer: OptimizerRecipe
    held_out: HeldOutRecipe
    compute: ComputeRecipe
    steps: int = Field(ge=1)
    seed: int = Field(ge=0)
