"""Launching the recurrence over frames, for both branches: states of every frame, states at both ends, summaries."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from kernels.affine import AffineSummary
from kernels.launch import CallShape
from kernels.precision import TYPES
from kernels.triton_scan import scan_kernel


@dataclass(frozen=True)
class Steps:
    """Every frame's P and U as the step kernels wrote them, and how they lie.

    Attributes:
        grams: P in three blocks, ``kinds pairs frames splits 3 half half``; kind 1 is the normalizer's.
        updates: U, ``pairs frames splits rows 2*half``.
        growth: sums of the keys' squared growth per split (camera), or None.
        decay: per frame.
        splits: programs that shared a frame's tokens.
        rows: of an update.
        camera: whether columns and rows are laid out as the camera branch's.
        delta: whether transitions correct (Eq. 3) or only add up (Eq. 1).
    """

    grams: Tensor
    updates: Tensor
    growth: Tensor | None
    decay: Float[Tensor, "batch heads frames"]
    splits: int
    rows: int
    camera: bool
    delta: bool = True


@dataclass(frozen=True)
class Scanned:
    """States of every frame (``2 pairs frames rows 2*half``), and those that leave at the end and at the start."""

    states: Tensor
    last: Float[Tensor, "batch heads rows key"]
    first: Float[Tensor, "batch heads rows key"]


@dataclass(frozen=True)
class Ends:
    """States that enter before the first and after the last frame, normalizer as the last row; None = zero."""

    before: Float[Tensor, "batch heads rows key"] | None = None
    after: Float[Tensor, "batch heads rows key"] | None = None


@dataclass(frozen=True)
class _Mode:
    """Which parts of the scan kernel run."""

    normalizer: bool
    updates: bool = True
    states: bool = True


def scan(shape: CallShape, steps: Steps, ends: Ends, resets: Int32[Tensor, " frames"] | None) -> Scanned:
    """Run both directions over all frames."""
    return _launch(shape, steps, ends, resets, _Mode(normalizer=not steps.camera))


def summarize(
    shape: CallShape, steps: Steps, resets: Int32[Tensor, " frames"] | None
) -> tuple[tuple[AffineSummary, ...], tuple[AffineSummary, ...]]:
    """All frames as one affine map (Eq. 12): (forward, backward) of the matrix state, then of the normalizer if any."""
    dim = shape.dim
    updates = _launch(shape, steps, Ends(), resets, _Mode(normalizer=not steps.camera, states=False))
    transitions = _transitions(shape, steps, resets)
    ends = (updates.last, updates.first)
    matrix = tuple(AffineSummary(map_, end[:, :, :dim]) for map_, end in zip(transitions, ends, strict=True))
    if steps.camera:
        return matrix, ()
    plain = Steps(steps.grams[1:], steps.updates, None, steps.decay, steps.splits, steps.rows, False, steps.delta)
    pairs = zip(_transitions(shape, plain, resets), ends, strict=True)
    return matrix, tuple(AffineSummary(map_, end[:, :, dim:]) for map_, end in pairs)


def _transitions(shape: CallShape, steps: Steps, resets: Tensor | None) -> tuple[Tensor, Tensor]:
    """Every frame's transition composed in both orders: the scan of the identity without updates."""
    eye = torch.eye(shape.dim, device=steps.grams.device).expand(shape.batch, shape.heads, -1, -1).contiguous()
    mode = _Mode(normalizer=False, updates=False, states=False)
    scanned = _launch(shape, steps, Ends(eye, eye), resets, mode)
    return scanned.last, scanned.first


def _launch(shape: CallShape, steps: Steps, ends: Ends, resets: Tensor | None, mode: _Mode) -> Scanned:
    plan = shape.plan("scan")
    half, device = shape.half, steps.grams.device
    end_rows = shape.dim + mode.normalizer
    last, first = torch.empty(2, shape.batch, shape.heads, end_rows, shape.dim, device=device).unbind(0)
    sizes = (2, shape.pairs, shape.frames, steps.rows, 2 * half)
    states = torch.empty(sizes if mode.states else (1,), device=device, dtype=shape.precision.states)
    rows = 2 * half if steps.camera else shape.dim
    tiles = -(-rows // plan.block)
    scan_kernel[tiles + mode.normalizer, 2, shape.pairs](
        steps.grams,
        steps.updates,
        steps.decay if steps.growth is None else steps.growth,
        steps.decay,
        steps.decay if resets is None else resets,
        last if ends.before is None else ends.before.contiguous(),
        last if ends.after is None else ends.after.contiguous(),
        states,
        last,
        first,
        shape.heads,
        shape.frames,
        shape.space,
        *steps.decay.stride(),
        steps.grams.stride(0),
        end_rows,
        DIM=shape.dim,
        HALF=half,
        ROWS=plan.block,
        TILES=tiles,
        UPDATE_ROWS=steps.rows,
        SPLITS=steps.splits,
        CAMERA=steps.camera,
        NORMALIZER=mode.normalizer,
        GRAMS=steps.delta,
        UPDATES=mode.updates,
        STATES=mode.states,
        RESETS=resets is not None,
        BEFORE=ends.before is not None,
        AFTER=ends.after is not None,
        DOT=TYPES[shape.precision.scan_operand],
        PRECISION=shape.precision.products,
        num_warps=plan.warps,
        num_stages=plan.stages,
    )
    return Scanned(states, last, first)
