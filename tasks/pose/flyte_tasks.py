"""Flyte tasks of ``pose``: a shell around the stage, whose code is imported in the body."""

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


@stage_task(ComputeClass.CORPUS)
def pose(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Find a metric camera for every frame."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["pose"]


@stage_task(ComputeClass.CORPUS)
def pose_shard(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids, shard: int) -> int:
    """One shard of the per-clip work of ``pose``, into the shared clip cache."""
    from infra.execution import execute_shard

    return execute_shard(run, call, {**artifacts, **reads}, shard)
