"""Launching the camera branch's backward: recompute steps and states, adjoint scans, gradients of tokens and gates."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.adjoint import Transitions, packed_before, run_adjoint_scan, transition_backward
from kernels.backward_plans import backward_plan
from kernels.camera_gdn.launch import CameraOperands, camera_steps
from kernels.camera_gdn.triton_backward import camera_read_backward_kernel, camera_steps_backward_kernel
from kernels.launch import has_resets, reset_flags, token_strides, with_unit_channels
from kernels.precision import TYPES
from kernels.scan import Ends, Scanned, Steps, scan


@dataclass(frozen=True)
class CameraTokens:
    """Gradients of tokens as (batch, frames, space, heads, dim), and of gates and entering states.

    Of raw queries and keys: of the norm's output before its weight.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    update_gate: Tensor
    decay: Tensor
    before: Tensor
    after: Tensor


def run_backward(
    operands: CameraOperands, resets: Sequence[bool], ends: Ends, incoming: tuple[Tensor, Tensor]
) -> CameraTokens:
    """Gradients of one call; ``incoming`` are those of the output (tokens first) and of the last state."""
    shape = operands.shape
    steps = camera_steps(operands)
    flags = reset_flags(tuple(resets), operands.query.device) if has_resets(resets) else None
    scanned = scan(shape, steps, ends, flags)
    query, reads = _read_backward(operands, scanned, with_unit_channels(incoming[0].permute(0, 3, 1, 2, 4)))
    adjoints = run_adjoint_scan(shape, steps, reads, incoming[1], resets)
    transitions = transition_backward(shape, steps, scanned, adjoints, packed_before(shape, steps, ends.before))
    key, value, gate = _steps_backward(operands, steps, adjoints.states, transitions)
    return CameraTokens(query, key, value, gate, transitions.decay, adjoints.before, adjoints.after)


def _tokens(operands: CameraOperands) -> Tensor:
    shape = operands.shape
    sizes = (shape.batch, shape.frames, shape.space, shape.heads, shape.dim)
    return torch.empty(sizes, dtype=operands.value.dtype, device=operands.value.device)


def _read_backward(operands: CameraOperands, scanned: Scanned, gradient: Tensor) -> tuple[Tensor, Tensor]:
    shape = operands.shape
    plan = backward_plan("camera_read_backward", shape)
    query = _tokens(operands)
    sizes = (shape.pairs, shape.frames, 2 * shape.half, 2 * shape.half)
    reads = torch.empty(sizes, dtype=shape.precision.steps, device=gradient.device)
    camera_read_backward_kernel[shape.steps_grid(1)](
        operands.query,
        operands.rms[0],
        operands.query_weight,
        operands.ray_from_world,
        operands.cosine,
        operands.sine,
        scanned.states,
        gradient,
        query,
        reads,
        *token_strides(operands.query),
        *token_strides(gradient),
        shape.frames,
        shape.space,
        scanned.states.stride(0),
        DIM=shape.dim,
        HALF=shape.half,
        BLOCK=plan.block,
        PREPARED=operands.prepared,
        DOT=TYPES[shape.precision.operand],
        PRECISION=shape.precision.products,
        STAGES=plan.stages,
        num_warps=plan.warps,
    )
    return query, reads


def _steps_backward(
    operands: CameraOperands, steps: Steps, adjoints: Tensor, transitions: Transitions
) -> tuple[Tensor, Tensor, Tensor]:
    shape = operands.shape
    plan = backward_plan("camera_steps_backward", shape)
    key, value = _tokens(operands), _tokens(operands)
    gate = torch.empty(shape.batch, shape.heads, shape.frames, shape.space, device=key.device)
    camera_steps_backward_kernel[shape.steps_grid(1)](
        operands.key,
        operands.value,
        operands.rms[-1],
        operands.key_weight,
        operands.update_gate,
        operands.world_from_ray,
        operands.cosine,
        operands.sine,
        steps.growth,
        transitions.growth,
        adjoints,
        transitions.corrections,
        key,
        value,
        gate,
        *token_strides(operands.key),
        *token_strides(operands.value),
        *operands.update_gate.stride(),
        shape.frames,
        shape.space,
        operands.key_scale,
        adjoints.stride(0),
        DIM=shape.dim,
        HALF=shape.half,
        BLOCK=plan.block,
        SPLITS=steps.splits,
        PREPARED=operands.prepared,
        DOT=TYPES[shape.precision.operand],
        PRECISION=shape.precision.products,
        STAGES=plan.stages,
        num_warps=plan.warps,
    )
    return key, value, gate
