"""Launching the camera branch's kernels: steps of every frame, recurrence, reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.camera_gdn.triton_read import camera_read_kernel
from kernels.camera_gdn.triton_steps import camera_steps_kernel
from kernels.key_prep.launch import inverse_rms
from kernels.launch import CallShape, as_rows, capability_of, has_resets, reset_flags, split_heads, token_strides
from kernels.launch import with_unit_channels as unit
from kernels.plans import Plan
from kernels.precision import TYPES, Precision, precision_for
from kernels.scan import Ends, Scanned, Steps, scan


@dataclass(frozen=True)
class CameraOperands:
    """One call as the kernels read it: raw features with norms and rays, or features already in the world."""

    query: Float[Tensor, "batch heads frames space head_dim"]
    key: Float[Tensor, "batch heads frames space head_dim"]
    value: Float[Tensor, "batch heads frames space head_dim"]
    update_gate: Float[Tensor, "batch heads frames space"]
    decay: Float[Tensor, "batch heads frames"]
    prepared: bool
    rms: Tensor
    query_weight: Tensor
    key_weight: Tensor
    ray_from_world: Tensor
    world_from_ray: Tensor
    cosine: Tensor
    sine: Tensor
    key_scale: float
    overrides: Mapping[str, Plan] = field(default_factory=dict)
    precision: Precision | None = None

    @property
    def shape(self) -> CallShape:
        """Sizes of the call."""
        precision = self.precision or precision_for(self.value.dtype)
        return CallShape(*self.query.shape, precision, capability_of(self.query.device), self.overrides)


def raw_operands(
    features: tuple[Tensor, Tensor, Tensor],
    weights: tuple[Tensor, Tensor],
    rays: tuple[Tensor, Tensor],
    rotary: tuple[Tensor, Tensor],
    gates: tuple[Tensor, Tensor],
    norm_eps: float,
    key_scale: float,
) -> CameraOperands:
    """Operands of a fused call; ``features`` are (batch, frames, space, width), views of a projection allowed."""
    query, key, value = (as_rows(one) for one in features)
    heads = gates[1].shape[1]
    rms = inverse_rms(query, key, norm_eps)
    split = [split_heads(one, heads) for one in (query, key, value)]
    matrices = [one.float().contiguous() for one in rays]
    tables = [one.float().contiguous() for one in rotary]
    return CameraOperands(*split, *gates, False, rms, *weights, *matrices, *tables, key_scale)


def prepared_operands(features: Sequence[Tensor], gates: tuple[Tensor, Tensor]) -> CameraOperands:
    """Operands of a call on features that are in the world already, the gate discounted."""
    none = gates[1]  # never read: the kernels skip norms and transforms
    return CameraOperands(*(unit(one) for one in features), *gates, True, *(none,) * 7, 1.0)


def camera_steps(operands: CameraOperands) -> Steps:
    """P and U of every frame, and the growth of its keys."""
    shape = operands.shape
    plan = shape.plan("camera_steps")
    half, device, cells = shape.half, operands.query.device, shape.pairs * shape.frames
    grams = torch.empty(1, cells, plan.splits, 3, half, half, dtype=shape.precision.steps, device=device)
    updates = torch.empty(cells, plan.splits, 2 * half, 2 * half, dtype=shape.precision.steps, device=device)
    growth = torch.empty(cells, plan.splits, device=device)
    camera_steps_kernel[shape.steps_grid(plan.splits)](
        operands.key,
        operands.value,
        operands.rms[-1],
        operands.key_weight,
        operands.update_gate,
        operands.world_from_ray,
        operands.cosine,
        operands.sine,
        grams,
        updates,
        growth,
        *token_strides(operands.key),
        *token_strides(operands.value),
        *operands.update_gate.stride(),
        shape.frames,
        shape.space,
        operands.key_scale,
        DIM=shape.dim,
        HALF=half,
        BLOCK=plan.block,
        SPLITS=plan.splits,
        PREPARED=operands.prepared,
        DOT=TYPES[shape.precision.operand],
        PRECISION=shape.precision.products,
        STAGES=plan.stages,
        num_warps=plan.warps,
    )
    return Steps(grams, updates, growth, operands.decay, plan.splits, 2 * half, camera=True)


def read_states(operands: CameraOperands, scanned: Scanned) -> Float[Tensor, "batch frames space heads head_dim"]:
    """Queries applied to the states, in the features' type; out of the world again if queries were raw."""
    shape = operands.shape
    plan = shape.plan("camera_read")
    sizes = (shape.batch, shape.frames, shape.space, shape.heads, shape.dim)
    output = torch.empty(sizes, dtype=operands.value.dtype, device=operands.value.device)
    camera_read_kernel[shape.steps_grid(plan.splits)](
        operands.query,
        operands.rms[0],
        operands.query_weight,
        operands.ray_from_world,
        operands.cosine,
        operands.sine,
        scanned.states,
        output,
        *token_strides(operands.query),
        shape.frames,
        shape.space,
        scanned.states.stride(0),
        DIM=shape.dim,
        HALF=shape.half,
        BLOCK=plan.block,
        SPLITS=plan.splits,
        PREPARED=operands.prepared,
        DOT=TYPES[shape.precision.operand],
        PRECISION=shape.precision.products,
        STAGES=plan.stages,
        num_warps=plan.warps,
    )
    return output


def run(operands: CameraOperands, resets: Sequence[bool], ends: Ends) -> tuple[Tensor, Tensor]:
    """All three phases; returns the output and the state after the last frame."""
    flags = reset_flags(tuple(resets), operands.query.device) if has_resets(resets) else None
    scanned = scan(operands.shape, camera_steps(operands), ends, flags)
    return read_states(operands, scanned), scanned.last
