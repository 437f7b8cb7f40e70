"""The two distillation stages, on the run's warm group of ranks."""

from data_contracts.report import StageSummary
from infra.stage import StageContext
from infra.torchrun.group import run_on_ranks
from tasks.distillation.config import OdeInitConfig, SelfForcingConfig


def run_ode_init(context: StageContext[OdeInitConfig]) -> StageSummary:
    """ODE regression against the chunk-causal teacher.

    Raises:
        InputError: the teacher is not a checkpoint.
        OperationError: a rank failed, or training diverged.
    """
    return run_on_ranks(context, context.config.parallel.world_size, "tasks.distillation.ode_init:train_ode_init")


def run_self_forcing(context: StageContext[SelfForcingConfig]) -> StageSummary:
    """Distribution matching on the student's own rollouts.

    Raises:
        InputError: a parent is not a checkpoint.
        OperationError: a rank failed, or training diverged.
    """
    world_size = context.config.parallel.world_size
    return run_on_ranks(context, world_size, "tasks.distillation.self_forcing:train_self_forcing")
