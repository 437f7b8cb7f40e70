"""What a rank is told, and what it answers: one JSON object a line over a local socket."""

from typing import Any, Literal

from data_contracts.base import Record
from data_contracts.report import StageSummary


class RankJob(Record):
    """One stage's work, done by all ranks together.

    Attributes:
        function: ``module:name`` of a function ``(job, progress) -> StageSummary``.
        stage: id of the stage.
        inputs: artifact name -> directory.
        output: existing, empty directory; rank 0 fills it.
        config: the stage's configuration as JSON; the function validates it.
    """

    function: str
    stage: str
    inputs: dict[str, str]
    output: str
    config: dict[str, Any]  # any JSON: each stage has a record of its own


class Started(Record):
    """A row of progress begins."""

    kind: Literal["started"] = "started"
    label: str
    total: int


class Advanced(Record):
    """Some units of it are done."""

    kind: Literal["advanced"] = "advanced"
    units: int


class Said(Record):
    """One plain line."""

    kind: Literal["said"] = "said"
    message: str


class Finished(Record):
    """The job is done on this rank."""

    kind: Literal["finished"] = "finished"
    summary: StageSummary


class Failed(Record):
    """The job failed on this rank. ``code`` is a catalogue entry; ``user_error`` tells an ``InputError``."""

    kind: Literal["failed"] = "failed"
    code: str
    message: str
    fix: str
    user_error: bool


Message = Started | Advanced | Said | Finished | Failed
