"""Scores, rules and verdicts. A rule is keyed by metric, scorer and measuring resolution (``product.md`` section 4)."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record
from data_contracts.clip import ClipStatus


class ScoreRow(Record):
    """One row of ``scores.parquet``, long format: one metric of one clip, as one scorer measured it.

    ``resolution`` is ``HxW@fps`` of the frames that were measured, or ``source`` for facts that are not measured.
    ``value`` is None exactly when the scorer could not evaluate the clip; ``detail`` then says why. ``worst_frame``
    is the frame that decided, -1 where the metric belongs to the whole clip. ``weights_digest`` is the SHA-256 of the
    scorer's weights, ``served:<model>`` behind an endpoint, and empty where there are none.
    """

    clip_id: str
    path: str
    metric: str
    scorer: str
    scorer_version: str
    resolution: str
    value: float | None
    worst_frame: int = -1
    detail: str = ""
    weights_digest: str = ""


class Outcome(StrEnum):
    """What one rule says of one clip.

    ``waived``: it fails, and a steward lets this clip pass. ``not_evaluated`` is neither pass nor fail: its scorer is
    not in the profile.
    """

    PASS = "pass"
    FAIL = "fail"
    WAIVED = "waived"
    NOT_EVALUATED = "not_evaluated"


class Rule(Record):
    """One cell of a contract: the closed range a metric must lie in.

    ``origin`` is ``paper`` (Table 6 or App. B.3) or ``ours``. ``sources`` lists the sources it binds; empty = all.
    """

    id: str
    version: int = Field(ge=1)
    metric: str
    scorer: str
    resolution: str
    minimum: float | None = None
    maximum: float | None = None
    sources: list[str] = Field(default_factory=list)
    origin: str
    reason: str
    required: bool = True
    stage: str = "screen"


class VerdictRow(Record):
    """One row of ``verdicts.parquet``: the whole verdict of one listed input, every failed rule named.

    ``waived`` are rules that it fails as well and that a steward lets it pass.
    """

    path: str
    clip_id: str
    source: str
    status: ClipStatus
    reasons: list[str]
    waived: list[str] = Field(default_factory=list)
