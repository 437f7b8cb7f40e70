"""Flyte tasks of ``ode_init``, ``self_forcing``: a shell around the stage, whose code is imported in the body."""

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


@stage_task(ComputeClass.TRAINING)
def ode_init(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Regress the teacher's trajectories."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["ode_init"]


@stage_task(ComputeClass.TRAINING)
def self_forcing(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Few-step distillation over its own rollouts."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["self_forcing"]
