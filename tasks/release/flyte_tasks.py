"""Flyte task of ``release``: a shell around the stage, whose code is imported in the body."""

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


@stage_task(ComputeClass.EVALUATION)
def release(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Gates, signature, registry, and a server that answers."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["release"]
