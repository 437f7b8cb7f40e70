"""What must hold before anything is released. Each gate is a measured value beside its limit."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from data_contracts.benchmark import BenchmarkResults
from data_contracts.errors import ErrorCode, OperationError
from data_contracts.licence import LicenceTable
from data_contracts.release import GateResult
from data_contracts.training import HeldOutReport, RolloutReport
from tasks.release.closure import ClosureClip
from tasks.release.config import ReleaseConfig
from tasks.vision.video import read_video

ROLLOUT_STAGE = "self_forcing"
LICENCES, TAKEDOWNS = "licences", "takedowns"
OWN_CODES = {
    LICENCES: (ErrorCode.LICENCE_FORBIDS, "declare another --use, or leave these sources and parts out"),
    TAKEDOWNS: (ErrorCode.TAKEN_DOWN, "`wm run` plans it anew without them; `wm takedown` names what holds them"),
}
"""Gates with an error code of their own, and what to do."""


def all_gates(
    inputs: Mapping[str, Path], clips: Sequence[ClosureClip], licences: LicenceTable, config: ReleaseConfig
) -> list[GateResult]:
    """Every gate that looks at finished artifacts, in a fixed order."""
    return [
        *(_fell(stage, path, config) for stage, path in sorted(inputs.items()) if (path / "held_out.json").exists()),
        *_rollout(inputs[ROLLOUT_STAGE], config),
        _finite_weights(inputs[ROLLOUT_STAGE] / "model.safetensors"),
        *_videos(inputs["evaluate"], config),
        _denominator(inputs["evaluate"]),
        licence_gate(clips, licences, config),
        takedown_gate(clips, config.taken_down),
    ]


def takedown_gate(clips: Sequence[ClosureClip], taken_down: Iterable[str]) -> GateResult:
    """No clip in the closure has a tombstone; those that have are named."""
    tombstones = frozenset(taken_down)
    held = [clip.clip_id for clip in clips if clip.clip_id in tombstones or clip.source_video_id in tombstones]
    told = (
        f"{len(held)} clips with a tombstone are in the closure, first {held[0]}" if held else "none is in the closure"
    )
    return GateResult(gate=TAKEDOWNS, passed=not held, value=float(len(held)), limit=0.0, detail=told)


def licence_gate(clips: Sequence[ClosureClip], licences: LicenceTable, config: ReleaseConfig) -> GateResult:
    """Every clip and every part in the closure allows the declared use; those that do not are named."""
    allowed = {licence: licences.allows(licence, config.use) for licence in {clip.licence for clip in clips}}
    under: dict[str, list[str]] = {}
    for clip in clips:
        if not allowed[clip.licence]:
            under.setdefault(f"{clip.source} ({clip.licence})", []).append(clip.clip_id)
    forbidden = [f"{source}: {len(ids)} clips, first {ids[0]}" for source, ids in sorted(under.items())]
    forbidden += [
        f"{part.name} ({part.licence})" for part in config.parts if not licences.allows(part.licence, config.use)
    ]
    return GateResult(
        gate=LICENCES,
        passed=not forbidden,
        value=float(len(forbidden)),
        limit=0.0,
        detail=f"use {config.use.value}: " + ("; ".join(forbidden) if forbidden else "all allow it"),
    )


def demand(gates: Sequence[GateResult]) -> None:
    """Stop the release at the first kind of failure.

    Raises:
        OperationError: a gate failed; licences and tombstones have codes of their own.
    """
    failed = [gate for gate in gates if not gate.passed]
    if not failed:
        return
    for gate in failed:
        if gate.gate in OWN_CODES:
            code, fix = OWN_CODES[gate.gate]
            raise OperationError(code, f"the release is blocked: {gate.detail}", fix)
    text = "; ".join(f"{gate.gate} is {gate.value}, limit {gate.limit} ({gate.detail})" for gate in failed)
    raise OperationError(
        ErrorCode.GATE_FAILED, f"{len(failed)} gates failed: {text}", "train longer or look at the run report"
    )


def video_gate(name: str, path: Path, config: ReleaseConfig) -> list[GateResult]:
    """A video is not one colour and does not stand still (decoded pixels are finite by their type)."""
    frames = read_video(path).frames.astype(np.float64)
    deviation = float(frames.std())
    change = float(np.abs(frames[-1] - frames[0]).mean())
    return [
        _at_least(f"video_deviation/{name}", deviation, config.minimum_deviation, "standard deviation of pixels"),
        _at_least(f"video_change/{name}", change, config.minimum_change, "mean change from first to last frame"),
    ]


def _fell(stage: str, directory: Path, config: ReleaseConfig) -> GateResult:
    report = HeldOutReport.model_validate_json((directory / "held_out.json").read_bytes())
    detail = f"{report.objective} on {report.clips} held-out clips: {report.before:.5g} to {report.after:.5g}"
    return _at_least(f"objective_fell/{stage}", report.fall, config.minimum_fall, detail)


def _rollout(directory: Path, config: ReleaseConfig) -> list[GateResult]:
    report = RolloutReport.model_validate_json((directory / "rollout.json").read_bytes())
    detail = f"{report.frames} latent frames, trained on {report.training_frames}"
    finite = GateResult(gate="rollout_finite", passed=report.finite, detail=detail)
    if not report.finite:
        return [finite]
    largest = round(report.largest_ratio, 6)
    return [
        finite,
        _at_least("rollout_smallest_ratio", report.smallest_ratio, config.smallest_ratio, detail),
        GateResult(
            gate="rollout_largest_ratio",
            passed=largest <= config.largest_ratio,
            value=largest,
            limit=config.largest_ratio,
            detail=detail,
        ),
    ]


def _finite_weights(path: Path) -> GateResult:
    bad = 0
    with safe_open(path, framework="pt") as tensors:
        for name in tensors.keys():  # noqa: SIM118 - not a mapping
            bad += int((~torch.isfinite(tensors.get_tensor(name).float())).sum())
    return GateResult(gate="weights_finite", passed=bad == 0, value=float(bad), limit=0.0, detail="values not finite")


def _videos(evaluate: Path, config: ReleaseConfig) -> list[GateResult]:
    found = sorted((evaluate / "videos").rglob("*_generated.mp4"))
    some = GateResult(gate="videos", passed=bool(found), value=float(len(found)), limit=1.0, detail="generated videos")
    each = [gate for path in found for gate in video_gate(path.relative_to(evaluate).as_posix(), path, config)]
    return [some, *each]


def _denominator(evaluate: Path) -> GateResult:
    """Every subject was scored over all of its videos: no survivor bias."""
    results = BenchmarkResults.model_validate_json((evaluate / "results.json").read_bytes())
    short = [f"{score.subject}/{score.split}" for score in results.scores if score.pose.n != score.videos]
    return GateResult(gate="scored_all_videos", passed=not short, detail=", ".join(short) or "all")


def _at_least(gate: str, value: float, limit: float, detail: str) -> GateResult:
    rounded = round(value, 6)
    return GateResult(gate=gate, passed=rounded >= limit, value=rounded, limit=limit, detail=detail)
