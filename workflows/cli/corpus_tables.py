"""Tables of ``wm corpus`` and ``wm why`` for a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from data_contracts.contract_loader import ContractSet
from data_contracts.explanation import ClipExplanation, ContractCheck, LicenceUse, RuleFinding
from data_contracts.quality import Outcome
from data_contracts.report import CorpusStats
from tasks.ingest.fault_lines import fault_lines
from workflows.cli.consoles import table_console

if TYPE_CHECKING:
    from tasks.filtering.report import Corpus

STATUSES = ("accepted", "rejected", "quarantined")
BARS = " ▁▂▃▄▅▆▇█"
BINS = 24
COLORS = {"pass": "green", "fail": "red", "waived": "yellow", "not_evaluated": "dim"}


def show_stats(stats: CorpusStats, corpus: "Corpus", contracts: ContractSet) -> None:
    """The funnel, the reasons, and a histogram of every measured score."""
    console = table_console()
    funnel = Table("source", *STATUSES, title=f"{len(stats.clips)} clips")
    for source, counts in stats.by_source.items():
        funnel.add_row(source, *(str(counts.get(status, 0)) for status in STATUSES))
    console.print(funnel)
    reasons = Table("reason", "clips", "alone", title="a clip keeps all of its reasons; alone: no other rejects it")
    for reason, clips in sorted(stats.by_reason.items(), key=lambda entry: (-entry[1], entry[0])):
        reasons.add_row(reason, str(clips), str(stats.rejects_alone.get(reason, 0)))
    console.print(reasons)
    for line in fault_lines(corpus.rows):
        console.print(line, markup=False, soft_wrap=True)
    console.print(_histograms(corpus, contracts))
    if stats.near_misses:
        console.print(_near_misses(stats))


def show_explanation(explanation: ClipExplanation) -> None:
    """One clip: each score, its range, the outcome, and whose number it is; failed rules first, with the reasons."""
    console = table_console()
    told = f": {', '.join(explanation.reasons)}" if explanation.reasons else ""
    console.print(f"[bold]{explanation.path}[/]\nclip {explanation.clip_id or '(unreadable)'}")
    console.print(f"{explanation.status}{told}  under {explanation.contract}")
    if explanation.detail and not any(finding.detail == explanation.detail for finding in explanation.findings):
        console.print(explanation.detail, markup=False, soft_wrap=True)
    table = Table("", "rule", "metric", "value", "range", "frame", "origin", "scorer", box=SIMPLE)
    evaluated = [finding for finding in explanation.findings if finding.outcome.outcome is not Outcome.NOT_EVALUATED]
    for finding in sorted(evaluated, key=lambda finding: finding.outcome.outcome is Outcome.PASS):
        table.add_row(*_cells(finding))
    console.print(table)
    for finding in evaluated:
        if finding.outcome.outcome is Outcome.FAIL:
            parts = (finding.detail, finding.reason)
            told = escape("; ".join(part for part in parts if part))
            console.print(f"[red]{finding.outcome.rule}[/]: {told}", soft_wrap=True)
    skipped = [finding.outcome for finding in explanation.findings if finding not in evaluated]
    names = ", ".join(dict.fromkeys(f"{found.rule} ({found.metric} by {found.scorer})" for found in skipped))
    console.print(f"not evaluated: {names or 'none'}", style="dim")
    if explanation.thumbnail:
        console.print(f"picture: {explanation.thumbnail}")


def _cells(finding: RuleFinding) -> tuple[str, ...]:
    found = finding.outcome
    color = COLORS[found.outcome.value]
    value = "-" if found.value is None else f"{found.value:.4g}"
    frame = str(finding.worst_frame) if finding.worst_frame >= 0 else ""
    limits = _range(found.minimum, found.maximum)
    rule = f"{found.rule} v{found.rule_version}"
    return (
        f"[{color}]{found.outcome.value}[/]",
        rule,
        found.metric,
        value,
        limits,
        frame,
        found.origin,
        f"{found.scorer} at {found.resolution}",
    )


def show_checks(checks: Sequence[ContractCheck]) -> None:
    """One line a kind of check, one more for each problem."""
    console = table_console()
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
    table = Table("licence", "allows", "sources", "tools and weights", "accepted", "listed", "note")
    for entry in uses:
        allows = ", ".join(use.value for use in entry.allows) or "nothing"
        named = (", ".join(entry.sources), ", ".join(entry.parts))
        table.add_row(entry.licence, allows, *named, str(entry.accepted), str(entry.listed), entry.note)
    table_console().print(table)


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


def _near_misses(stats: CorpusStats) -> Table:
    table = Table("path", "clip", "rule", "value", "limit", "", title="within 5% of a limit that decides alone")
    for miss in stats.near_misses:
        color = COLORS[miss.outcome]
        table.add_row(
            miss.path,
            miss.clip_id[:12],
            miss.rule,
            f"{miss.value:.4g}",
            f"{miss.limit:g}",
            f"[{color}]{miss.outcome}[/]",
        )
    return table


def _bars(values: np.ndarray) -> str:
    counts, _ = np.histogram(values, bins=BINS)
    levels = np.ceil(counts / counts.max() * (len(BARS) - 1)).astype(int)
    return "".join(BARS[level] for level in levels)


def _range(minimum: float | None, maximum: float | None) -> str:
    low = "" if minimum is None else f"{minimum:g}"
    high = "" if maximum is None else f"{maximum:g}"
    return f"[{low}..{high}]".replace("[", "\\[")
