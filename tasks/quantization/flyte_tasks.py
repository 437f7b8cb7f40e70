"""Flyte task of ``quantize``: a shell around the stage, whose code is imported in the body."""

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


@stage_task(ComputeClass.EVALUATION)
def quantize(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """NVFP4 checkpoint with an error report."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["quantize"]
