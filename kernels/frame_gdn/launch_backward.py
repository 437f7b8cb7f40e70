"""Launching the main branch's backward: recompute steps and states, adjoint scans, gradients of tokens and gates.

Nothing of the forward is kept but its inputs: its steps and states take a fraction of the backward's time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.adjoint import Transitions, packed_before, run_adjoint_scan, transition_backward
from kernels.backward_plans import backward_plan
from kernels.frame_gdn.launch import FrameOperands, frame_steps
from kernels.frame_gdn.triton_backward import read_backward_kernel, steps_backward_kernel
from kernels.launch import has_resets, reset_flags, token_strides, with_unit_channels
from kernels.precision import TYPES
from kernels.scan import Ends, Scanned, scan


@dataclass(frozen=True)
class FrameTokens:
    """Gradients of tokens as (batch, frames, space, heads, dim), and of gates and entering states.

    Of raw queries and keys: of the norm's output before its weight. ``rotated_*`` are empty then.
    """

    query: Tensor
    key: Tensor
    rotated_query: Tensor
    rotated_key: Tensor
    value: Tensor
    update_gate: Tensor
    decay: Tensor
    before: Tensor
    after: Tensor


@dataclass(frozen=True)
class _Reads:
    query: Tensor
    rotated: Tensor
    reads: Tensor


def run_backward(
    operands: FrameOperands, resets: Sequence[bool], eps: float, ends: Ends, incoming: tuple[Tensor, Tensor]
) -> FrameTokens:
    """Gradients of one call; ``incoming`` are those of the output (tokens first) and of the last state."""
    shape = operands.shape
    steps = frame_steps(operands)
    flags = reset_flags(tuple(resets), operands.query.device) if has_resets(resets) else None
    scanned = scan(shape, steps, ends, flags)
    read = _read_backward(operands, scanned, eps, with_unit_channels(incoming[0].permute(0, 3, 1, 2, 4)))
    adjoints = run_adjoint_scan(shape, steps, read.reads, incoming[1], resets)
    before = packed_before(shape, steps, ends.before)
    transitions = transition_backward(shape, steps, scanned, adjoints, before)
    key, rotated, value, gate = _steps_backward(operands, scanned.states, before, adjoints.states, transitions)
    return FrameTokens(
        query=read.query,
        key=key,
        rotated_query=read.rotated,
        rotated_key=rotated,
        value=value,
        update_gate=gate,
        decay=transitions.decay,
        before=adjoints.before,
        after=adjoints.after,
    )


def _tokens(operands: FrameOperands, *, wanted: bool = True) -> Tensor:
    shape = operands.shape
    sizes = (shape.batch, shape.frames, shape.space, shape.heads, shape.dim) if wanted else (0,)
    return torch.empty(sizes, dtype=operands.value.dtype, device=operands.value.device)


def _read_backward(operands: FrameOperands, scanned: Scanned, eps: float, gradient: Tensor) -> _Reads:
    shape = operands.shape
    plan = backward_plan("read_backward", shape)
    query, rotated = _tokens(operands), _tokens(operands, wanted=operands.prepared)
    sizes = (shape.pairs, shape.frames, shape.dim + 1, 2 * shape.half)
    reads = torch.empty(sizes, dtype=shape.precision.steps, device=gradient.device)
    read_backward_kernel[shape.steps_grid(1)](
        operands.query,
        operands.rotated_query,
        operands.rms[0],
        operands.query_weight,
        operands.cosine,
        operands.sine,
        scanned.states,
        gradient,
        query,
        rotated,
        reads,
        *token_strides(operands.query),
        *token_strides(operands.rotated_query),
        *token_strides(gradient),
        shape.frames,
        shape.space,
        eps,
        scanned.states.stride(0),
        DIM=shape.dim,
        HALF=shape.half,
        BLOCK=plan.block,
        UPDATE_ROWS=shape.dim + 1,
        PREPARED=operands.prepared,
        DOT=TYPES[shape.precision.operand],
        PRECISION=shape.precision.products,
        STAGES=plan.stages,
        num_warps=plan.warps,
    )
    return _Reads(query, rotated, reads)


def _steps_backward(
    operands: FrameOperands, states: Tensor, before: Tensor, adjoints: Tensor, transitions: Transitions
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    shape = operands.shape
    plan = backward_plan("steps_backward", shape)
    key, rotated, value = _tokens(operands), _tokens(operands, wanted=operands.prepared), _tokens(operands)
    gate = torch.empty(shape.batch, shape.heads, shape.frames, shape.space, device=before.device)
    steps_backward_kernel[shape.steps_grid(1)](
        operands.key,
        operands.rotated_key,
        operands.value,
        operands.rms[-1],
        operands.key_weight,
        operands.update_gate,
        operands.cosine,
        operands.sine,
        operands.decay,
        states,
        before,
        adjoints,
        transitions.corrections,
        key,
        rotated,
        value,
        gate,
        *token_strides(operands.key),
        *token_strides(operands.rotated_key),
        *token_strides(operands.value),
        *operands.update_gate.stride(),
        *operands.decay.stride(),
        shape.frames,
        shape.space,
        operands.key_scale,
        states.stride(0),
        DIM=shape.dim,
        HALF=shape.half,
        BLOCK=plan.block,
        UPDATE_ROWS=shape.dim + 1,
        PREPARED=operands.prepared,
        DOT=TYPES[shape.precision.operand],
        PRECISION=shape.precision.products,
        STAGES=plan.stages,
        num_warps=plan.warps,
    )
    return key, rotated, value, gate
