"""The six training stages; the stage's name and its recipe say which one runs."""

from data_contracts.report import StageSummary
from infra.stage import StageContext
from infra.torchrun.group import run_on_ranks
from tasks.training.config import TrainingConfig


def run_training(context: StageContext[TrainingConfig]) -> StageSummary:
    """Train the stage on a torchrun group of the recipe's world size; torch is imported in the ranks only.

    Raises:
        InputError: the latents or the parent checkpoint do not fit the recipe.
        OperationError: a rank failed, or the loss was not finite.
    """
    return run_on_ranks(context, context.config.parallel.world_size, "tasks.training.session:train_stage")
