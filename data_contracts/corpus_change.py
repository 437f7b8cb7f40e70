"""What ``wm corpus diff A B --json`` prints."""

from data_contracts.base import Record


class FateChange(Record):
    """A clip that both corpora list with another status or other reasons, or that one of them lacks ("absent")."""

    path: str
    source: str
    before: str
    after: str
    reasons_before: list[str]
    reasons_after: list[str]


class ScoreShift(Record):
    """One metric of one source in both corpora.

    ``distance`` is the Kolmogorov-Smirnov statistic of the two distributions, from 0 (alike) to 1 (apart), and
    ``chance`` how likely one as large is between two samples of the same distribution.
    """

    source: str
    metric: str
    scorer: str
    clips_before: int
    clips_after: int
    median_before: float
    median_after: float
    distance: float
    chance: float


class CorpusDiff(Record):
    """Clips whose fate differs, and every score's shift per source, largest first."""

    clips_before: int
    clips_after: int
    fates: list[FateChange]
    shifts: list[ScoreShift]
