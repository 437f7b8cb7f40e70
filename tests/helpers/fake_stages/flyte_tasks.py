from typing import NamedTuple

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


class SieveOutputs(NamedTuple):
    sieve_accepted: str
    sieve_verdicts: str
    sieve_scores: str


@stage_task(ComputeClass.CORPUS)
def examine(run: RunRequest) -> str:
    """The id of the raw corpus, by content."""
    from infra.execution import examine as examine_corpus

    return examine_corpus(run)


@stage_task(ComputeClass.CORPUS)
def collect(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["collect"]


@stage_task(ComputeClass.CORPUS)
def collect_shard(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids, shard: int) -> int:
    from infra.execution import execute_shard

    return execute_shard(run, call, {**artifacts, **reads}, shard)


@stage_task(ComputeClass.CORPUS)
def sieve(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> SieveOutputs:
    from infra.execution import execute_call

    made = execute_call(run, call, {**artifacts, **reads})
    return SieveOutputs(made["sieve_accepted"], made["sieve_verdicts"], made["sieve_scores"])


@stage_task(ComputeClass.CORPUS)
def total(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["total"]
