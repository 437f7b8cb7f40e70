"""Flyte task of ``evaluate``: a shell around the stage, whose code is imported in the body."""

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


@stage_task(ComputeClass.EVALUATION)
def evaluate(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """The benchmark, and a video for each of its paths."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["evaluate"]
