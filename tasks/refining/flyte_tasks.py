"""Flyte task of ``refiner_lora``: a shell around the stage, whose code is imported in the body."""

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


@stage_task(ComputeClass.TRAINING)
def refiner_lora(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Truncated-sigma LoRA on the refiner, merged."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["refiner_lora"]
