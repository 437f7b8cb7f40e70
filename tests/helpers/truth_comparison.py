"""Compares what the pipeline decided about a rendered corpus with what was planted."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_contracts.clip import ClipStatus
from data_contracts.report import CorpusClip
from data_contracts.truth import ClipTruth

DUPLICATE_RULE = "duplicate_exact"


@dataclass(frozen=True)
class Finding:
    """One line of the table; ``problem`` is empty where the verdict is right."""

    path: str
    kind: str
    expected: str
    status: str
    reasons: tuple[str, ...]
    problem: str


def compare(
    truth: Sequence[ClipTruth], decided: Sequence[CorpusClip], repeats: Sequence[frozenset[str]], first_listed: bool
) -> list[Finding]:
    """A finding per planted clip.

    Args:
        truth: what was planted, by the paths the pipeline saw.
        decided: rows of ``wm corpus stats``.
        repeats: groups of paths with equal media bytes; exactly one of each may be accepted.
        first_listed: the accepted one must be the one that comes first by name (else any one).
    """
    rows = {row.path: row for row in decided}
    findings = []
    for clip in _with_repeats(truth, rows, repeats, first_listed):
        row = rows.get(clip.path)
        status, reasons = (row.status, tuple(row.reasons)) if row else ("absent", ())
        expected = f"{clip.expected_status.value} {clip.expected_rule}".strip()
        findings.append(Finding(clip.path, clip.kind, expected, status, reasons, _problem(clip, status, reasons)))
    return findings


def equal_media(root: Path, paths: Sequence[str]) -> list[frozenset[str]]:
    """Groups of two or more files with the same bytes."""
    groups: dict[str, set[str]] = {}
    for path in paths:
        if (root / path).is_file():
            groups.setdefault(hashlib.sha256((root / path).read_bytes()).hexdigest(), set()).add(path)
    return [frozenset(group) for group in groups.values() if len(group) > 1]


def _with_repeats(
    truth: Sequence[ClipTruth],
    rows: Mapping[str, CorpusClip],
    repeats: Sequence[frozenset[str]],
    first_listed: bool,
) -> list[ClipTruth]:
    """Of equal clips, the one to be accepted is the first by name or, if any may be, the one that was."""
    roles: dict[str, bool] = {}
    for group in repeats:
        accepted = [path for path in sorted(group) if path in rows and rows[path].status == ClipStatus.ACCEPTED.value]
        keeper = sorted(group)[0] if first_listed or not accepted else accepted[0]
        roles |= {path: path == keeper for path in group}
    return [clip if clip.path not in roles else _as_repeat(clip, keep=roles[clip.path]) for clip in truth]


def _as_repeat(clip: ClipTruth, keep: bool) -> ClipTruth:
    if keep:
        return clip.model_copy(
            update={"expected_status": ClipStatus.ACCEPTED, "expected_rule": "", "may_also": []},
        )
    return clip.model_copy(
        update={
            "expected_status": ClipStatus.REJECTED,
            "expected_rule": DUPLICATE_RULE,
            "may_also": ["duplicate_near", "benchmark_overlap"],
        },
    )


def _problem(clip: ClipTruth, status: str, reasons: Sequence[str]) -> str:
    if status != clip.expected_status.value:
        return f"status {status}"
    if clip.expected_rule and clip.expected_rule not in reasons:
        return f"rule {clip.expected_rule} did not fire"
    extra = sorted(set(reasons) - {clip.expected_rule, *clip.may_also})
    return f"unexpected {' '.join(extra)}" if extra else ""
