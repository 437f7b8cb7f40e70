"""Flyte tasks of ``ingest``: a shell around the stage, whose code is imported in the body."""

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


@stage_task(ComputeClass.CORPUS)
def examine(run: RunRequest) -> str:
    """The id of the raw corpus, by content."""
    from infra.execution import examine as examine_corpus

    return examine_corpus(run)


@stage_task(ComputeClass.CORPUS)
def ingest(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Read the sources, cut them into clips and give each its identity."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["ingest"]


@stage_task(ComputeClass.CORPUS)
def ingest_shard(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids, shard: int) -> int:
    """One shard of the per-clip work of ``ingest``, into the shared clip cache."""
    from infra.execution import execute_shard

    return execute_shard(run, call, {**artifacts, **reads}, shard)
