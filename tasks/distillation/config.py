"""Configuration of the distillation stages; the values are in ``workflows/recipes``."""

from pydantic import Field

from data_contracts.base import Record
from data_contracts.distillation import MatchingRecipe, RolloutRecipe, StudentRecipe, TrajectoryRecipe
from data_contracts.recipe import ComputeRecipe, CorpusRecipe, HeldOutRecipe, OptimizerRecipe, ParallelRecipe


class OdeInitConfig(Record):
    """ODE regression of the student against trajectories of ``teacher``."""

    teacher: str
    student: StudentRecipe
    trajectories: TrajectoryRecipe
    corpus: CorpusRecipe
    parallel: ParallelRecipe
    optimizer: OptimizerRecipe
    held_out: HeldOutRecipe
    compute: ComputeRecipe
    steps: int = Field(ge=1)
    seed: int = Field(ge=0)


class SelfForcingConfig(Record):
    """Self-forcing: the student starts from ``generator``; both scores start from ``scores``."""

    generator: str
    scores: str
    student: StudentRecipe
    matching: MatchingRecipe
    corpus: CorpusRecipe
    parallel: ParallelRecipe
    generator_optimizer: OptimizerRecipe
    critic_optimizer: OptimizerRecipe
    held_out: HeldOutRecipe
    rollout: RolloutRecipe
    compute: ComputeRecipe
    steps: int = Field(ge=1)
    seed: int = Field(ge=0)
