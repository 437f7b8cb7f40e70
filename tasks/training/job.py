"""What a worker process is told, and what it answers: one JSON object a line over a local socket."""

from typing import Literal

from data_contracts.base import Record
from data_contracts.report import StageSummary
from tasks.training.config import TrainingConfig


class TrainingJob(Record):
    """One stage to train. Directories are local paths; ``output`` exists and is empty."""

    name: str
    inputs: dict[str, str]
    output: str
    config: TrainingConfig


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
