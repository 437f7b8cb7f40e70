"""The two distillation stages, in this process with the context's number of threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from data_contracts.report import StageSummary
from infra.stage import StageContext
from tasks.distillation.config import OdeInitConfig, SelfForcingConfig
from tasks.distillation.ode_init import train_ode_init
from tasks.distillation.self_forcing import train_self_forcing


def run_ode_init(context: StageContext[OdeInitConfig]) -> StageSummary:
    """ODE regression against the chunk-causal teacher.

    Raises:
        InputError: the teacher is not a checkpoint.
        OperationError: training diverged.
    """
    with _threads(context.workers):
        return train_ode_init(context)


def run_self_forcing(context: StageContext[SelfForcingConfig]) -> StageSummary:
    """Distribution matching on the student's own rollouts.

    Raises:
        InputError: a parent is not a checkpoint.
        OperationError: training diverged.
    """
    with _threads(context.workers):
        return train_self_forcing(context)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Results are promised bit for bit per thread count, so the count is the context's and not the machine's."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
