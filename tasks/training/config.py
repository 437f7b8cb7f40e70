"""Configuration of the six training stages; the values are in ``workflows/recipes``."""

from pydantic import Field

from data_contracts.base import Record
from data_contracts.recipe import (
    ArchitectureRecipe,
    CorpusRecipe,
    FlowComputeRecipe,
    FlowRecipe,
    HeldOutRecipe,
    LayoutRecipe,
    OptimizerRecipe,
    ParallelRecipe,
    TimestepRecipe,
)


class TrainingConfig(Record):
    """One training stage. ``parent`` is the stage whose checkpoint it starts from; empty = random weights."""

    parent: str
    architecture: ArchitectureRecipe
    layout: LayoutRecipe
    corpus: CorpusRecipe
    parallel: ParallelRecipe
    optimizer: OptimizerRecipe
    flow: FlowRecipe
    timesteps: TimestepRecipe
    held_out: HeldOutRecipe
    compute: FlowComputeRecipe
    steps: int = Field(ge=1)
    seed: int = Field(ge=0)
