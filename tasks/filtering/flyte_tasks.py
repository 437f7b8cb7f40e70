"""Flyte tasks of ``screen``, ``filter``: a shell around the stage, whose code is imported in the body."""

from typing import NamedTuple

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


class FilterOutputs(NamedTuple):
    """Ids of the three artifacts; what comes after sees the accepted list alone."""

    filter_accepted: str
    filter_verdicts: str
    filter_scores: str


@stage_task(ComputeClass.CORPUS)
def screen(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Score every clip on its pixels and decide the cheap rules."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["screen"]


@stage_task(ComputeClass.CORPUS)
def screen_shard(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids, shard: int) -> int:
    """One shard of the per-clip work of ``screen``, into the shared clip cache."""
    from infra.execution import execute_shard

    return execute_shard(run, call, {**artifacts, **reads}, shard)


@stage_task(ComputeClass.CORPUS)
def filter(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> FilterOutputs:  # noqa: A001 - the id
    """Decide every clip under the data contract."""
    from infra.execution import execute_call

    made = execute_call(run, call, {**artifacts, **reads})
    return FilterOutputs(made["filter_accepted"], made["filter_verdicts"], made["filter_scores"])
