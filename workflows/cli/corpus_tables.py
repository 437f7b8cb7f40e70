"""Tables of ``wm corpus`` and ``wm why`` for a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from data_contracts.contract_loader import ContractSet
from data_contracts.explanation import ClipExplanation, ContractCheck, LicenceUse
from data_contracts.report import CorpusStats

if TYPE_CHECKING:
    from tasks.filtering.report import Corpus

STATUSES = ("accepted", "rejected", "quarantined")
BARS = " ▁▂▃▄▅▆▇█"
BINS = 24
COLORS = {"pass": "green", "fail": "red", "not_evaluated": "dim"}


def show_stats(stats: CorpusStats, corpus: "Corpus", contracts: ContractSet) -> None:
    """The funnel, the reasons, and a histogram of every measured score."""
    console = Console()
    funnel = Table("source", *STATUSES, title=f"{len(stats.clips)} clips")
    for source, counts in stats.by_source.items():
        funnel.add_row(source, *(str(counts.get(status, 0)) for status in STATUSES))
    console.print(funnel)
    reasons = Table("reason", "clips", title="a clip keeps all of its reasons")
    for reason, clips in sorted(stats.by_reason.items(), key=lambda entry: (-entry[1], entry[0])):
        reasons.add_row(reason, str(clips))
    console.print(reasons)
    console.print(_histograms(corpus, contracts))


def show_explanation(explanation: ClipExplanation) -> None:
    """One clip: each score, its range, the outcome, and whose number it is."""
    console = Console()
    told = f": {', '.join(explanation.reasons)}" if explanation.reasons else ""
    console.print(f"[bold]{explanation.path}[/]  clip {explanation.clip_id or '(unreadable)'}")
    console.print(f"{explanation.status}{told}  under {explanation.contract}")
    table = Table("outcome", "rule", "metric by scorer at resolution", "value", "range", "frame", "origin", "why")
    for finding in explanation.findings:
        found = finding.outcome
        color = COLORS[found.outcome.value]
        table.add_row(
            f"[{color}]{found.outcome.value}[/]",
            f"{found.rule} v{found.rule_version}",
            f"{found.metric} by {found.scorer} at {found.resolution}",
            "-" if found.value is None else f"{found.value:.4g}",
            _range(found.minimum, found.maximum),
            str(finding.worst_frame) if finding.worst_frame >= 0 else "",
            found.origin,
            finding.detail or finding.reason,
        )
    console.print(table)
    if explanation.thumbnail:
        console.print(f"picture: {explanation.thumbnail}")


def show_checks(checks: Sequence[ContractCheck]) -> None:
    """One line a kind of check, one more for each problem."""
    console = Console()
    table = Table("check", "subjects", "problems")
    for kind in dict.fromkeys(check.check for check in checks):
        of_kind = [check for check in checks if check.check == kind]
        table.add_row(kind, str(len(of_kind)), str(sum(bool(check.problem) for check in of_kind)))
    console.print(table)
    for check in checks:
        if check.problem:
            console.print(f"[red]{check.check}[/] {check.subject}: {check.problem}")


def show_licences(uses: Sequence[LicenceUse]) -> None:
    """The licence table."""
    table = Table("licence", "allows", "sources", "accepted", "listed", "note")
    for entry in uses:
        allows = ", ".join(use.value for use in entry.allows) or "nothing"
        table.add_row(
            entry.licence, allows, ", ".join(entry.sources), str(entry.accepted), str(entry.listed), entry.note
        )
    Console().print(table)


def _histograms(corpus: "Corpus", contracts: ContractSet) -> Table:
    table = Table("metric by scorer", "lowest", "histogram", "highest", "limits")
    limits: dict[tuple[str, str], set[str]] = {}
    for rule in contracts.flat([row.source for row in corpus.rows]):
        limits.setdefault((rule.metric, rule.scorer), set()).add(_range(rule.minimum, rule.maximum))
    for (metric, scorer), group in corpus.scores.drop_nulls("value").group_by("metric", "scorer", maintain_order=True):
        values = group["value"].to_numpy()
        if len(set(values)) > 2 and (str(metric), str(scorer)) in limits:
            bounds = " ".join(sorted(limits[str(metric), str(scorer)]))
            table.add_row(f"{metric} by {scorer}", f"{values.min():.4g}", _bars(values), f"{values.max():.4g}", bounds)
    return table


def _bars(values: np.ndarray) -> str:
    counts, _ = np.histogram(values, bins=BINS)
    levels = np.ceil(counts / counts.max() * (len(BARS) - 1)).astype(int)
    return "".join(BARS[level] for level in levels)


def _range(minimum: float | None, maximum: float | None) -> str:
    low = "" if minimum is None else f"{minimum:g}"
    high = "" if maximum is None else f"{maximum:g}"
    return f"[{low}..{high}]".replace("[", "\\[")
