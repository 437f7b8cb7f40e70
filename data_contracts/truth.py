"""The ground truth of a rendered corpus: what the pipeline must decide about each planted clip."""

from pydantic import Field

from data_contracts.base import Record
from data_contracts.clip import ClipStatus


class ClipTruth(Record):
    """One clip of ``truth.json``.

    ``path`` is as in ``ClipRow``. ``expected_rule`` is empty for a clip that must be accepted. ``may_also`` lists the
    rules that may fire beside the expected one; any other reason is a failure.
    """

    path: str
    source: str
    kind: str
    expected_status: ClipStatus
    expected_rule: str = ""
    may_also: list[str] = Field(default_factory=list)


class CorpusTruth(Record):
    """``truth.json``. No stage opens it."""

    version: int = 1
    clips: list[ClipTruth]
