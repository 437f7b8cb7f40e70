"""Flyte tasks of ``splat``: a shell around the stage, whose code is imported in the body."""

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


@stage_task(ComputeClass.CORPUS)
def splat(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Render clips along new paths through Gaussian scenes."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["splat"]


@stage_task(ComputeClass.CORPUS)
def splat_shard(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids, shard: int) -> int:
    """One shard of the per-clip work of ``splat``, into the shared clip cache."""
    from infra.execution import execute_shard

    return execute_shard(run, call, {**artifacts, **reads}, shard)
