"""What a stage and a run report about themselves."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record


class StageStatus(StrEnum):
    """How a stage of a run ended."""

    EXECUTED = "executed"
    CACHED = "cached"
    SKIPPED = "skipped"
    FAILED = "failed"


class StageSummary(Record):
    """What a stage function returns: never part of its artifact's bytes, so it may hold times.

    ``metrics`` go to MLflow (few keys, no per-clip data); ``note`` says why there were 0 items.
    """

    items: int
    note: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)


class StageResult(Record):
    """One line of the run result. ``artifact`` is the id of the stage's main artifact (DVC's content hash)."""

    name: str
    status: StageStatus
    seconds: float
    artifact: str


class RunResult(Record):
    """The one JSON object ``wm run --json`` prints last. ``stages`` holds just the span asked for."""

    stages: list[StageResult]
    report: str
    video: str
    model_version: str
    endpoint: str


class CorpusClip(Record):
    """One clip of ``wm corpus stats --json``. ``detail`` is what was seen in its files, "" = nothing wrong."""

    path: str
    clip_id: str
    status: str
    reasons: list[str]
    detail: str = ""


class NearMiss(Record):
    """A score within 5% of the limit of a rule that alone decides about its clip, on either side of it."""

    path: str
    clip_id: str
    rule: str
    metric: str
    value: float
    limit: float
    outcome: str
    thumbnail: str


class CorpusStats(Record):
    """``wm corpus stats --workdir W --json``: counts by source (source -> status -> n) and by reason.

    ``rejects_alone`` counts the clips that a rule rejects and no other does: what dropping the rule would give back.
    """

    clips: list[CorpusClip]
    by_source: dict[str, dict[str, int]]
    by_reason: dict[str, int]
    rejects_alone: dict[str, int]
    near_misses: list[NearMiss]
