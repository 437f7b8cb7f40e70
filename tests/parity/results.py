"""What a kind's runner gives back, and how it is judged."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor
from vector_files import VectorFile, relative_rms

FLOAT_LIMIT = 1e-5
OFFICIAL_LIMIT = 1e-3  # bfloat16 rounding flips: 5e-5 between two runs that only differ in the order of sums
SCHEDULE_LIMIT = 1e-6


@dataclass(frozen=True)
class Outcome:
    """What a runner computed for one file under one profile.

    Attributes:
        tensors: recorded name -> what we compute.
        inputs: recorded names that are inputs and are not compared.
        exact: label -> (ours, recorded), to be equal.
        lists: label -> (ours, recorded), to agree within the schedule limit.
        not_run: recorded name -> why it is not compared.
    """

    tensors: dict[str, Tensor]
    inputs: frozenset[str] = frozenset()
    exact: dict[str, tuple[Any, Any]] | None = None
    lists: dict[str, tuple[Tensor, Tensor]] | None = None
    not_run: dict[str, str] | None = None


@dataclass(frozen=True)
class Line:
    """One judged tensor."""

    file: str
    profile: str
    tensor: str
    error: float | None
    limit: float
    verdict: str


def judge(file: VectorFile, profile: str, outcome: Outcome) -> list[Line]:
    """Compare everything recorded; what was not computed is listed as not run, never as passed."""
    lines = []
    reasons = outcome.not_run or {}
    for name in file.recorded:
        if name in outcome.tensors:
            lines.append(_tensor(file, profile, name, outcome.tensors[name]))
        elif name not in outcome.inputs:
            why = reasons.get(name, "no rule for this name")
            lines.append(Line(file.name, profile, name, None, 0.0, f"not run: {why}"))
    for label, (ours, recorded) in (outcome.exact or {}).items():
        verdict = "pass" if ours == recorded else f"FAIL: {ours} is not {recorded}"
        lines.append(Line(file.name, profile, label, 0.0 if ours == recorded else 1.0, 0.0, verdict))
    for label, (ours, recorded) in (outcome.lists or {}).items():
        error = relative_rms(ours, recorded) if ours.shape == recorded.shape else float("inf")
        lines.append(_line(file.name, profile, label, error, SCHEDULE_LIMIT))
    return lines


def _tensor(file: VectorFile, profile: str, name: str, ours: Tensor) -> Line:
    limit = OFFICIAL_LIMIT if "official" in name else FLOAT_LIMIT
    recorded = file.own[name]
    if ours.shape != recorded.shape:
        verdict = f"FAIL: shape {tuple(ours.shape)} is not {tuple(recorded.shape)}"
        return Line(file.name, profile, name, float("inf"), limit, verdict)
    return _line(file.name, profile, name, relative_rms(ours, recorded), limit)


def _line(file: str, profile: str, name: str, error: float, limit: float) -> Line:
    return Line(file, profile, name, error, limit, "pass" if error <= limit else "FAIL")
