"""Launching the main branch's kernels: steps of every frame, recurrence, reading.

Three phases, so that shards can exchange summaries between the first and the second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.frame_gdn.triton_read import read_kernel
from kernels.frame_gdn.triton_steps import matrix_steps_kernel, normalizer_steps_kernel
from kernels.key_prep.launch import inverse_rms
from kernels.launch import CallShape, as_rows, capability_of, has_resets, reset_flags, split_heads, token_strides
from kernels.launch import with_unit_channels as unit
from kernels.plans import Plan
from kernels.precision import TYPES, Precision, precision_for
from kernels.scan import Ends, Scanned, Steps, scan


@dataclass(frozen=True)
class FrameOperands:
    """One call as the kernels read it: raw features with their norms, or prepared ones with their rotated twins."""

    query: Float[Tensor, "batch heads frames space head_dim"]
    key: Float[Tensor, "batch heads frames space head_dim"]
    rotated_query: Float[Tensor, "batch heads frames space head_dim"]
    rotated_key: Float[Tensor, "batch heads frames space head_dim"]
    value: Float[Tensor, "batch heads frames space head_dim"]
    update_gate: Float[Tensor, "batch heads frames space"]
    decay: Float[Tensor, "batch heads frames"]
    prepared: bool
    rms: Tensor
    query_weight: Tensor
    key_weight: Tensor
    cosine: Tensor
    sine: Tensor
    key_scale: float
    delta: bool = True
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
    rotary: tuple[Tensor, Tensor],
    gates: tuple[Tensor, Tensor],
    norm_eps: float,
    key_scale: float,
) -> FrameOperands:
    """Operands of a fused call; ``features`` are (batch, frames, space, width), views of a projection allowed."""
    query, key, value = (as_rows(one) for one in features)
    heads = gates[1].shape[1]
    rms = inverse_rms(query, key, norm_eps)
    split = [split_heads(one, heads) for one in (query, key, value)]
    tables = (one.float().contiguous() for one in rotary)
    operands = FrameOperands(
        split[0], split[1], split[0], split[1], split[2], *gates, False, rms, *weights, *tables, key_scale
    )
    if not operands.shape.long:
        return operands
    kept = operands.shape.precision.tables
    return replace(operands, cosine=operands.cosine.to(kept), sine=operands.sine.to(kept))


def prepared_operands(features: Sequence[Tensor], gates: tuple[Tensor, Tensor], *, delta: bool) -> FrameOperands:
    """Operands of a call on prepared features (query, key, rotated query, rotated key, value)."""
    query, key, rotated_query, rotated_key, value = (unit(one) for one in features)
    none = gates[1]  # never read: the kernels skip norms and rotation
    same = (none, none, none, none, none)
    return FrameOperands(query, key, rotated_query, rotated_key, value, *gates, True, *same, 1.0, delta)


def frame_steps(operands: FrameOperands) -> Steps:
    """P and U of every frame, for both states."""
    shape = operands.shape
    kept = shape.precision.steps
    splits = shape.plan("matrix_steps").splits
    half, rows, device = shape.half, shape.dim + 1, operands.query.device
    cells = shape.pairs * shape.frames
    grams = torch.empty(2, cells, splits, 3, half, half, dtype=kept, device=device)
    updates = torch.empty(cells, splits, rows, 2 * half, dtype=kept, device=device)
    _launch_matrix(operands, shape, grams, updates, splits)
    _launch_normalizer(operands, shape, grams, updates, splits)
    return Steps(grams, updates, None, operands.decay, splits, rows, camera=False, delta=operands.delta)


def _launch_matrix(operands: FrameOperands, shape: CallShape, grams: Tensor, updates: Tensor, splits: int) -> None:
    plan = shape.plan("matrix_steps")
    matrix_steps_kernel[shape.steps_grid(splits)](
        operands.rotated_key,
        operands.value,
        operands.rms[-1],
        operands.key_weight,
        operands.update_gate,
        operands.cosine,
        operands.sine,
        grams,
        updates,
        *token_strides(operands.rotated_key),
        *token_strides(operands.value),
        *operands.update_gate.stride(),
        shape.frames,
        shape.space,
        operands.key_scale,
        DIM=shape.dim,
        HALF=shape.half,
        BLOCK=plan.block,
        SPLITS=splits,
        UPDATE_ROWS=shape.dim + 1,
        PREPARED=operands.prepared,
        DOT=TYPES[shape.precision.operand],
        PRECISION=shape.precision.products,
        STAGES=plan.stages,
        num_warps=plan.warps,
    )


def _launch_normalizer(operands: FrameOperands, shape: CallShape, grams: Tensor, updates: Tensor, splits: int) -> None:
    plan = shape.plan("normalizer_steps")
    normalizer_steps_kernel[shape.steps_grid(splits)](
        operands.key,
        operands.rms[-1],
        operands.key_weight,
        operands.update_gate,
        grams,
        updates,
        *token_strides(operands.key),
        *operands.update_gate.stride(),
        shape.frames,
        shape.space,
        operands.key_scale,
        grams.stride(0),
        DIM=shape.dim,
        HALF=shape.half,
        BLOCK=plan.block,
        SPLITS=splits,
        UPDATE_ROWS=shape.dim + 1,
        PREPARED=operands.prepared,
        DOT=TYPES[shape.precision.operand],
        PRECISION=shape.precision.products,
        STAGES=plan.stages,
        num_warps=plan.warps,
    )


def read_states(
    operands: FrameOperands, scanned: Scanned, eps: float
) -> Float[Tensor, "batch frames space heads head_dim"]:
    """Numerator over denominator, in the features' type."""
    shape = operands.shape
    plan = shape.plan("read")
    sizes = (shape.batch, shape.frames, shape.space, shape.heads, shape.dim)
    output = torch.empty(sizes, dtype=operands.value.dtype, device=operands.value.device)
    read_kernel[shape.steps_grid(plan.splits)](
        operands.query,
        operands.rotated_query,
        operands.rms[0],
        operands.query_weight,
        operands.cosine,
        operands.sine,
        scanned.states,
        output,
        *token_strides(operands.query),
        *token_strides(operands.rotated_query),
        shape.frames,
        shape.space,
        eps,
        scanned.states.stride(0),
        DIM=shape.dim,
        HALF=shape.half,
        BLOCK=plan.block,
        SPLITS=plan.splits,
        UPDATE_ROWS=shape.dim + 1,
        PREPARED=operands.prepared,
        DOT=TYPES[shape.precision.operand],
        PRECISION=shape.precision.products,
        STAGES=plan.stages,
        num_warps=plan.warps,
    )
    return output


def run(operands: FrameOperands, resets: Sequence[bool], eps: float, ends: Ends) -> tuple[Tensor, Tensor]:
    """All three phases; returns the output and the state after the last frame (normalizer as its last row)."""
    flags = reset_flags(tuple(resets), operands.query.device) if has_resets(resets) else None
    scanned = scan(operands.shape, frame_steps(operands), ends, flags)
    return read_states(operands, scanned, eps), scanned.last
