"""Launching the gradients of the affine recurrence, for both branches."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from kernels.backward_plans import backward_plan
from kernels.launch import CallShape, has_resets, reset_flags
from kernels.precision import TYPES
from kernels.scan import Scanned, Steps
from kernels.triton_adjoint import adjoint_scan_kernel, transition_backward_kernel


@dataclass(frozen=True)
class Adjoints:
    """What both adjoint scans leave.

    Attributes:
        states: A and X of every frame (``2 pairs frames rows 2*half``), as ``kernels.scan.Scanned.states`` lies.
        before: gradient of the state that entered before the first frame, normalizer as the last row.
        after: gradient of the state that entered after the last frame.
    """

    states: Tensor
    before: Float[Tensor, "batch heads rows key"]
    after: Float[Tensor, "batch heads rows key"]


@dataclass(frozen=True)
class Transitions:
    """Per frame and head: ``-g (dM + dM^T)`` in three blocks, dg, and the gradient of each token's key growth."""

    corrections: Tensor
    decay: Float[Tensor, "batch heads frames"]
    growth: Tensor


def run_adjoint_scan(
    shape: CallShape, steps: Steps, reads: Tensor, last: Float[Tensor, "batch heads rows key"], resets: Sequence[bool]
) -> Adjoints:
    """Both adjoint scans; ``reads`` lies as one direction's states do, ``last`` is the last state's gradient."""
    plan = backward_plan("adjoint_scan", shape)
    flags = reset_flags(tuple(resets), reads.device) if has_resets(resets) else None
    sizes = (2, shape.pairs, shape.frames, steps.rows, 2 * shape.half)
    states = torch.empty(sizes, dtype=shape.precision.states, device=reads.device)
    before, after = (torch.empty(last.shape, device=reads.device) for _ in range(2))  # outputs must not share memory
    rows = 2 * shape.half if steps.camera else shape.dim
    tiles = -(-rows // plan.block)
    adjoint_scan_kernel[tiles + (not steps.camera), 2, shape.pairs](
        steps.grams,
        steps.decay if steps.growth is None else steps.growth,
        steps.decay,
        steps.decay if flags is None else flags,
        reads,
        last.float().contiguous(),
        states,
        before,
        after,
        shape.heads,
        shape.frames,
        shape.space,
        *steps.decay.stride(),
        steps.grams.stride(0),
        last.shape[2],
        DIM=shape.dim,
        HALF=shape.half,
        ROWS=plan.block,
        TILES=tiles,
        UPDATE_ROWS=steps.rows,
        SPLITS=steps.splits,
        CAMERA=steps.camera,
        RESETS=flags is not None,
        DOT=TYPES[shape.precision.scan_operand],
        PRECISION=shape.precision.products,
        num_warps=plan.warps,
        num_stages=plan.stages,
    )
    return Adjoints(states, before, after)


def transition_backward(
    shape: CallShape, steps: Steps, scanned: Scanned, adjoints: Adjoints, before: Tensor
) -> Transitions:
    """From states and adjoints to every frame's transition; ``before`` is ``packed_before``'s."""
    plan = backward_plan("transition_backward", shape)
    cells, half, device = shape.pairs * shape.frames, shape.half, before.device
    corrections = torch.empty(cells, 3, half, half, dtype=shape.precision.steps, device=device)
    decay, growth = (torch.empty(shape.batch, shape.heads, shape.frames, device=device) for _ in range(2))
    transition_backward_kernel[shape.frames, shape.pairs](
        steps.grams,
        steps.updates,
        steps.decay if steps.growth is None else steps.growth,
        steps.decay,
        scanned.states,
        before,
        adjoints.states,
        corrections,
        decay,
        growth,
        shape.heads,
        shape.frames,
        shape.space,
        *steps.decay.stride(),
        steps.grams.stride(0),
        adjoints.states.stride(0),
        DIM=shape.dim,
        HALF=half,
        ROWS=min(plan.block, 2 * half),
        UPDATE_ROWS=steps.rows,
        SPLITS=steps.splits,
        CAMERA=steps.camera,
        DOT=TYPES[shape.precision.operand],
        PRECISION=shape.precision.products,
        num_warps=plan.warps,
        num_stages=plan.stages,
    )
    return Transitions(corrections, decay, growth)


def packed_before(shape: CallShape, steps: Steps, before: Float[Tensor, "batch heads rows key"] | None) -> Tensor:
    """The entering state as states lie in memory (``pairs rows 2*half``); zeros if there is none."""
    sizes, kept = (shape.pairs, steps.rows, 2 * shape.half), shape.precision.states
    if before is None:
        return torch.zeros(sizes, dtype=kept, device=steps.grams.device)
    flat, spare = before.flatten(0, 1), shape.half - shape.dim // 2
    if steps.camera:
        blocks = flat.unflatten(1, (2, -1)).unflatten(3, (2, -1))
        return pad(blocks, (0, spare, 0, 0, 0, spare)).reshape(sizes).to(kept)
    return pad(flat.unflatten(2, (-1, 2)).mT, (0, spare)).reshape(sizes).to(kept)
