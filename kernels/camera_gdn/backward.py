"""Gradients of the camera branch in plain PyTorch: the Triton backward's specification and its fallback."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from kernels.affine import delta_rule_steps
from kernels.affine_adjoint import AffineEnds, Incoming, affine_backward, delta_rule_backward, scan_states, wide
from kernels.camera_gdn.reference import INFLATION_FLOOR
from kernels.camera_gdn.types import CameraGDNCarry, CameraGDNInputs, CameraGDNRaw
from kernels.key_prep.backward import features_backward, prepare
from kernels.ray_rope.backward import tables_wide, transform_backward, transform_wide


@dataclass(frozen=True)
class CameraGDNGradients:
    """Gradients of ray-transformed features, gates, and entering states."""

    query: Float[Tensor, "batch heads frames space head_dim"]
    key: Float[Tensor, "batch heads frames space head_dim"]
    value: Float[Tensor, "batch heads frames space head_dim"]
    update_gate: Float[Tensor, "batch heads frames space"]
    decay: Float[Tensor, "batch heads frames"]
    before: Float[Tensor, "batch heads value key"]
    after: Float[Tensor, "batch heads value key"]


def camera_gdn_backward(
    inputs: CameraGDNInputs, resets: Sequence[bool], carry: CameraGDNCarry, incoming: Incoming
) -> CameraGDNGradients:
    """Gradients of ``kernels.camera_gdn.reference.camera_gdn``; states are recomputed."""
    query, key, value = wide(inputs.query), wide(inputs.key), wide(inputs.value)
    gate, decay = wide(inputs.update_gate), wide(inputs.decay)
    ends = AffineEnds(*(None if one is None else wide(one) for one in (carry.before, carry.after)))
    steps = delta_rule_steps(key, value, gate, decay)
    states = scan_states(steps, resets, ends)
    output = wide(incoming.output)
    gradients = affine_backward(steps, resets, ends, states, output.mT @ query, wide(incoming.last))
    tokens = delta_rule_backward(key, value, gate, decay, gradients)
    return CameraGDNGradients(
        query=output @ (states.forward + states.later),
        key=tokens.key,
        value=tokens.value,
        update_gate=tokens.update_gate,
        decay=tokens.decay,
        before=gradients.before,
        after=gradients.after,
    )


@dataclass(frozen=True)
class CameraGDNRawGradients:
    """Gradients of everything that ``camera_gdn_raw`` takes."""

    query: Float[Tensor, "batch frames space width"]
    key: Float[Tensor, "batch frames space width"]
    value: Float[Tensor, "batch frames space width"]
    query_weight: Float[Tensor, " width"]
    key_weight: Float[Tensor, " width"]
    ray_from_world: Float[Tensor, "batch frames space 4 4"]
    world_from_ray: Float[Tensor, "batch frames space 4 4"]
    cosine: Float[Tensor, "frames space quarter"]
    sine: Float[Tensor, "frames space quarter"]
    update_gate: Float[Tensor, "batch heads frames space"]
    decay: Float[Tensor, "batch heads frames"]
    before: Float[Tensor, "batch heads value key"]
    after: Float[Tensor, "batch heads value key"]


def camera_gdn_raw_backward(
    raw: CameraGDNRaw, resets: Sequence[bool], carry: CameraGDNCarry, incoming: Incoming
) -> CameraGDNRawGradients:
    """Gradients of the fused call, the discount of the gate by the keys' inflation included (Eq. 6)."""
    heads = raw.decay.shape[1]
    query = prepare(raw.query, raw.query_weight, heads, raw.norm_eps, 1.0)
    key = prepare(raw.key, raw.key_weight, heads, raw.norm_eps, raw.key_scale)
    value = rearrange(wide(raw.value), "b t s (h d) -> b h t s d", h=heads)
    out_of, into, cosine, sine = tables_wide(raw.ray_from_world, raw.world_from_ray, raw.cosine, raw.sine)
    world_query = transform_wide(query, out_of.mT, cosine, sine)
    world_key = transform_wide(key, into, cosine, sine)
    world_value = transform_wide(value, into, cosine, sine)
    gate = Discount.of(wide(raw.update_gate), key, world_key)
    inputs = CameraGDNInputs(world_query, world_key, world_value, gate.discounted, raw.decay)
    mixed = _mixed(inputs, resets, carry)
    left = transform_backward(mixed, out_of, cosine, -sine, wide(incoming.output))
    inner = camera_gdn_backward(inputs, resets, carry, Incoming(left.features, incoming.last))
    update_gate, plain_key, moved_key = gate.backward(inner.update_gate)
    from_query = transform_backward(query, out_of.mT, cosine, sine, inner.query)
    from_key = transform_backward(key, into, cosine, sine, inner.key + moved_key)
    from_value = transform_backward(value, into, cosine, sine, inner.value)
    eps, scale = raw.norm_eps, raw.key_scale
    raw_query, query_weight = features_backward(raw.query, raw.query_weight, from_query.features, eps, 1.0)
    toward_key = plain_key + from_key.features
    raw_key, key_weight = features_backward(raw.key, raw.key_weight, toward_key, eps, scale)
    return CameraGDNRawGradients(
        query=raw_query,
        key=raw_key,
        value=rearrange(from_value.features, "b h t s d -> b t s (h d)"),
        query_weight=query_weight,
        key_weight=key_weight,
        ray_from_world=left.matrix + from_query.matrix.mT,
        world_from_ray=from_key.matrix + from_value.matrix,
        cosine=left.cosine + from_query.cosine + from_key.cosine + from_value.cosine,
        sine=-left.sine + from_query.sine + from_key.sine + from_value.sine,
        update_gate=update_gate,
        decay=inner.decay,
        before=inner.before,
        after=inner.after,
    )


@dataclass(frozen=True)
class Discount:
    """The update gate divided by its frame's mean key inflation where that exceeds 1, and the way back."""

    gate: Float[Tensor, "batch heads frames space"]
    key: Float[Tensor, "batch heads frames space head_dim"]
    moved: Float[Tensor, "batch heads frames space head_dim"]
    mean: Float[Tensor, "batch heads frames one"]

    @classmethod
    def of(cls, gate: Tensor, key: Tensor, moved: Tensor) -> "Discount":
        """From the gate and the keys before and after the ray transform."""
        inflation = moved.square().sum(-1) / key.square().sum(-1).clamp_min(INFLATION_FLOOR)
        return cls(gate, key, moved, inflation.mean(-1, keepdim=True))

    @property
    def discounted(self) -> Float[Tensor, "batch heads frames space"]:
        """What the scan uses."""
        return self.gate / self.mean.clamp_min(1.0)

    def backward(self, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of the gate, of the keys before and of the keys after the transform."""
        size = self.mean.clamp_min(1.0)
        toward_mean = -(gradient * self.gate).sum(-1, keepdim=True) / size.square() * (self.mean > 1)
        each = (toward_mean / self.gate.shape[-1])[..., None]
        before = self.key.square().sum(-1, keepdim=True)
        floored = before.clamp_min(INFLATION_FLOOR)
        after = self.moved.square().sum(-1, keepdim=True)
        toward_key = torch.where(before > INFLATION_FLOOR, -2 * each * after / floored.square(), 0.0) * self.key
        return gradient / size, toward_key, 2 * each / floored * self.moved


def _mixed(inputs: CameraGDNInputs, resets: Sequence[bool], carry: CameraGDNCarry) -> Tensor:
    """The output before it leaves the world, which the matrices' gradients need."""
    steps = delta_rule_steps(inputs.key, inputs.value, inputs.update_gate, wide(inputs.decay))
    ends = AffineEnds(*(None if one is None else wide(one) for one in (carry.before, carry.after)))
    states = scan_states(steps, resets, ends)
    return inputs.query @ (states.forward + states.later).mT
