"""Stage ``refiner_lora``: adapters trained with the truncated-sigma objective, merged into the base."""

from data_contracts.report import StageSummary
from infra.stage import StageContext
from infra.torchrun.group import run_on_ranks
from tasks.refining.config import RefinerLoraConfig


def run_refiner_lora(context: StageContext[RefinerLoraConfig]) -> StageSummary:
    """Train the refiner's adapters on the run's warm group of ranks; diffusers is imported there only.

    Raises:
        InputError: the student is not a checkpoint.
        OperationError: a rank failed, or training diverged.
    """
    return run_on_ranks(context, context.config.parallel.world_size, "tasks.refining.session:train_refiner")
