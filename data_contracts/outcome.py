"""What each cell of a contract said of each clip: the long form of a verdict."""

from data_contracts.base import Record
from data_contracts.quality import Outcome


class OutcomeRow(Record):
    """One row of ``outcomes.parquet``: one rule's cell and one listed input.

    ``value`` is the score that was compared, None where there is none; the range and ``rule_version`` are the
    contract's at the time; ``contract`` names the contract and its version.
    """

    path: str
    clip_id: str
    rule: str
    rule_version: int
    metric: str
    scorer: str
    resolution: str
    value: float | None
    minimum: float | None
    maximum: float | None
    origin: str
    outcome: Outcome
    contract: str
