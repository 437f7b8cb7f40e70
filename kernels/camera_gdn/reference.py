"""The camera branch's gated delta rule: Eq. 3 with one state and no denominator, scanned both ways."""

from collections.abc import Sequence

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from kernels.affine import (
    AffineSteps,
    backward_states,
    backward_summary,
    delta_rule_steps,
    forward_states,
    forward_summary,
)
from kernels.camera_gdn.types import CameraGDNCarry, CameraGDNInputs, CameraGDNRaw, CameraGDNSummary
from kernels.key_prep.reference import prepare_features
from kernels.ray_rope.reference import transform_rays

INFLATION_FLOOR = 1e-12


def camera_gdn(
    inputs: CameraGDNInputs, resets: Sequence[bool], carry: CameraGDNCarry
) -> tuple[Float[Tensor, "batch heads frames space head_dim"], Float[Tensor, "batch heads value key"]]:
    """See ``kernels.camera_gdn.api.camera_gdn``."""
    steps = affine_steps(inputs)
    states = forward_states(steps, carry.before)
    later_states = backward_states(steps, resets, carry.after)
    return inputs.query.float() @ (states + later_states).mT, states[:, :, -1]


def camera_gdn_raw(
    raw: CameraGDNRaw, resets: Sequence[bool], carry: CameraGDNCarry
) -> tuple[Float[Tensor, "batch heads frames space head_dim"], Float[Tensor, "batch heads value key"]]:
    """See ``kernels.camera_gdn.api.camera_gdn_raw``."""
    output, state = camera_gdn(prepare(raw), resets, carry)
    return transform_rays(output, raw.ray_from_world, raw.cosine, -raw.sine), state


def prepare(raw: CameraGDNRaw) -> CameraGDNInputs:
    """Norms, ReLU, key scale, ray transform, and the gate divided by its frame's mean key inflation where above 1."""
    heads = raw.decay.shape[1]
    query = prepare_features(raw.query, raw.query_weight, heads, raw.norm_eps, 1.0)
    key = prepare_features(raw.key, raw.key_weight, heads, raw.norm_eps, raw.key_scale)
    value = rearrange(raw.value, "b t s (h d) -> b h t s d", h=heads)
    moved = transform_rays(key, raw.world_from_ray, raw.cosine, raw.sine)
    inflation = moved.float().square().sum(-1) / key.float().square().sum(-1).clamp_min(INFLATION_FLOOR)
    return CameraGDNInputs(
        query=transform_rays(query, raw.ray_from_world.mT, raw.cosine, raw.sine),
        key=moved,
        value=transform_rays(value, raw.world_from_ray, raw.cosine, raw.sine),
        update_gate=raw.update_gate / inflation.mean(-1, keepdim=True).clamp_min(1.0),
        decay=raw.decay,
    )


def camera_gdn_summary(inputs: CameraGDNInputs, resets: Sequence[bool]) -> CameraGDNSummary:
    """See ``kernels.camera_gdn.api.camera_gdn_summary``."""
    steps = affine_steps(inputs)
    return CameraGDNSummary(forward_summary(steps), backward_summary(steps, resets))


def affine_steps(inputs: CameraGDNInputs) -> AffineSteps:
    """The steps of the one state, in float32."""
    key, value = inputs.key.float(), inputs.value.float()
    return delta_rule_steps(key, value, inputs.update_gate.float(), inputs.decay.float())
