"""Gradients of the main branch in plain PyTorch: the Triton backward's specification and its fallback.

With out = num / den, num = S' q~, den = z' q + eps, and g the gradient of out::

    dnum = g / den         dq~ = S'^T dnum      dden = -(dq~ . q~) / den      dq = dden z'

so neither the output nor the numerator is needed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from kernels.affine import AffineSteps, cumulative_steps, delta_rule_steps
from kernels.affine_adjoint import (
    AffineEnds,
    AffineGradients,
    Incoming,
    affine_backward,
    cumulative_backward,
    delta_rule_backward,
    scan_states,
    wide,
)
from kernels.frame_gdn.types import FrameGDNInputs, FrameGDNRaw
from kernels.key_prep.backward import features_backward, prepare
from kernels.ray_rope.backward import rotate_backward, rotate_wide


@dataclass(frozen=True)
class FrameGDNGradients:
    """Gradients of prepared features, gates, and entering states (normalizer as the last row)."""

    query: Float[Tensor, "batch heads frames space head_dim"]
    key: Float[Tensor, "batch heads frames space head_dim"]
    rotated_query: Float[Tensor, "batch heads frames space head_dim"]
    rotated_key: Float[Tensor, "batch heads frames space head_dim"]
    value: Float[Tensor, "batch heads frames space head_dim"]
    update_gate: Float[Tensor, "batch heads frames space"]
    decay: Float[Tensor, "batch heads frames"]
    before: Float[Tensor, "batch heads rows key"]
    after: Float[Tensor, "batch heads rows key"]


@dataclass(frozen=True)
class PackedEnds:
    """States that entered, normalizer as the last row; None is zero."""

    before: Float[Tensor, "batch heads rows key"] | None = None
    after: Float[Tensor, "batch heads rows key"] | None = None

    def part(self, rows: slice) -> AffineEnds:
        """The rows of one of the two states."""
        return AffineEnds(*(None if end is None else wide(end)[:, :, rows] for end in (self.before, self.after)))


MATRIX, NORMALIZER = slice(None, -1), slice(-1, None)


def frame_gdn_backward(
    inputs: FrameGDNInputs, resets: Sequence[bool], eps: float, ends: PackedEnds, incoming: Incoming
) -> FrameGDNGradients:
    """Gradients of ``kernels.frame_gdn.reference.frame_gdn``; everything in between is recomputed."""
    query, rotated, value = wide(inputs.query), wide(inputs.rotated_query), wide(inputs.value)
    ones = torch.ones_like(value[..., :1])
    matrix_steps = _steps(inputs, wide(inputs.rotated_key), value)
    plain_steps = _steps(inputs, wide(inputs.key), ones)
    matrix = scan_states(matrix_steps, resets, ends.part(MATRIX))
    plain = scan_states(plain_steps, resets, ends.part(NORMALIZER))
    state, normalizer = matrix.forward + matrix.later, plain.forward + plain.later
    denominator = query @ normalizer.mT + eps
    toward_numerator = wide(incoming.output) / denominator
    toward_rotated = toward_numerator @ state
    toward_denominator = -(toward_rotated * rotated).sum(-1, keepdim=True) / denominator
    last = wide(incoming.last)
    matrix_gradients = affine_backward(
        matrix_steps, resets, ends.part(MATRIX), matrix, toward_numerator.mT @ rotated, last[:, :, MATRIX]
    )
    plain_gradients = affine_backward(
        plain_steps, resets, ends.part(NORMALIZER), plain, toward_denominator.mT @ query, last[:, :, NORMALIZER]
    )
    rotated_key, values, gate, decay = _tokens(inputs, wide(inputs.rotated_key), value, matrix_gradients)
    key, _, plain_gate, plain_decay = _tokens(inputs, wide(inputs.key), ones, plain_gradients)
    return FrameGDNGradients(
        query=toward_denominator * normalizer,
        key=key,
        rotated_query=toward_rotated,
        rotated_key=rotated_key,
        value=values,
        update_gate=gate + plain_gate,
        decay=decay + plain_decay,
        before=torch.cat((matrix_gradients.before, plain_gradients.before), 2),
        after=torch.cat((matrix_gradients.after, plain_gradients.after), 2),
    )


@dataclass(frozen=True)
class FrameGDNRawGradients:
    """Gradients of everything that ``frame_gdn_raw`` takes."""

    query: Float[Tensor, "batch frames space width"]
    key: Float[Tensor, "batch frames space width"]
    value: Float[Tensor, "batch frames space width"]
    query_weight: Float[Tensor, " width"]
    key_weight: Float[Tensor, " width"]
    cosine: Float[Tensor, "frames space pairs"]
    sine: Float[Tensor, "frames space pairs"]
    update_gate: Float[Tensor, "batch heads frames space"]
    decay: Float[Tensor, "batch heads frames"]
    before: Float[Tensor, "batch heads rows key"]
    after: Float[Tensor, "batch heads rows key"]


def frame_gdn_raw_backward(
    raw: FrameGDNRaw, resets: Sequence[bool], eps: float, ends: PackedEnds, incoming: Incoming
) -> FrameGDNRawGradients:
    """Gradients of the fused call: those of prepared features, through rotation, ReLU and norms."""
    heads = raw.decay.shape[1]
    query = prepare(raw.query, raw.query_weight, heads, raw.norm_eps, 1.0)
    key = prepare(raw.key, raw.key_weight, heads, raw.norm_eps, raw.key_scale)
    cosine, sine = wide(raw.cosine), wide(raw.sine)
    value = rearrange(raw.value, "b t s (h d) -> b h t s d", h=heads)
    turned = rotate_wide(query, cosine, sine), rotate_wide(key, cosine, sine)
    inputs = FrameGDNInputs(query, key, *turned, value, raw.update_gate, raw.decay)
    inner = frame_gdn_backward(inputs, resets, eps, ends, incoming)
    from_query = rotate_backward(query, cosine, sine, inner.rotated_query)
    from_key = rotate_backward(key, cosine, sine, inner.rotated_key)
    query_gradient, query_weight = features_backward(
        raw.query, raw.query_weight, inner.query + from_query.features, raw.norm_eps, 1.0
    )
    key_gradient, key_weight = features_backward(
        raw.key, raw.key_weight, inner.key + from_key.features, raw.norm_eps, raw.key_scale
    )
    return FrameGDNRawGradients(
        query=query_gradient,
        key=key_gradient,
        value=rearrange(inner.value, "b h t s d -> b t s (h d)"),
        query_weight=query_weight,
        key_weight=key_weight,
        cosine=from_query.cosine + from_key.cosine,
        sine=from_query.sine + from_key.sine,
        update_gate=inner.update_gate,
        decay=inner.decay,
        before=inner.before,
        after=inner.after,
    )


def _steps(inputs: FrameGDNInputs, key: Tensor, value: Tensor) -> AffineSteps:
    if not inputs.delta:
        return cumulative_steps(key, value)
    return delta_rule_steps(key, value, wide(inputs.update_gate), wide(inputs.decay))


def _tokens(
    inputs: FrameGDNInputs, key: Tensor, value: Tensor, gradients: AffineGradients
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of key, value, update gate and decay; gates that are ignored have none."""
    if not inputs.delta:
        zeros = torch.zeros_like(inputs.update_gate), torch.zeros_like(inputs.decay)
        return (*cumulative_backward(key, value, gradients), *zeros)
    tokens = delta_rule_backward(key, value, wide(inputs.update_gate), wide(inputs.decay), gradients)
    return tokens.key, tokens.value, tokens.update_gate, tokens.decay
