"""The frame-wise gated delta rule as its equations.

Legend: S state of the numerator, z of the denominator, B = diag(beta), g decay (Eq. 3)::

    S_t = g_t S_{t-1} + (V - g_t S_{t-1} K~) B K~^T        num_t = S_t q~
    z_t = g_t z_{t-1} + K B (1 - K^T g_t z_{t-1})          den_t = z_t^T q

The second line is the first with unrotated keys and the value 1 for every token, so one scan serves both.
The reversed scan is the same recurrence on later frames only. out = (num_f + num_b) / (den_f + den_b + eps).
"""

from collections.abc import Sequence

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from kernels.affine import (
    AffineSteps,
    backward_states,
    backward_summary,
    cumulative_steps,
    delta_rule_steps,
    forward_states,
    forward_summary,
)
from kernels.backend import Backend
from kernels.frame_gdn.types import FrameGDNCarry, FrameGDNInputs, FrameGDNRaw, FrameGDNState, FrameGDNSummary
from kernels.key_prep import prepare_features
from kernels.ray_rope import rotate


def frame_gdn(
    inputs: FrameGDNInputs, resets: Sequence[bool], eps: float, carry: FrameGDNCarry
) -> tuple[Float[Tensor, "batch heads frames space head_dim"], FrameGDNState]:
    """See ``kernels.frame_gdn.api.frame_gdn``."""
    matrix_steps, normalizer_steps = affine_steps(inputs)
    before, after = carry.before, carry.after
    matrix = forward_states(matrix_steps, None if before is None else before.matrix)
    normalizer = forward_states(normalizer_steps, None if before is None else before.normalizer)
    later_matrix = backward_states(matrix_steps, resets, None if after is None else after.matrix)
    later_normalizer = backward_states(normalizer_steps, resets, None if after is None else after.normalizer)
    numerator = inputs.rotated_query.float() @ (matrix + later_matrix).mT
    denominator = inputs.query.float() @ (normalizer + later_normalizer).mT
    return numerator / (denominator + eps), FrameGDNState(matrix[:, :, -1], normalizer[:, :, -1])


def frame_gdn_summary(inputs: FrameGDNInputs, resets: Sequence[bool]) -> FrameGDNSummary:
    """See ``kernels.frame_gdn.api.frame_gdn_summary``."""
    matrix_steps, normalizer_steps = affine_steps(inputs)
    return FrameGDNSummary(
        matrix_forward=forward_summary(matrix_steps),
        matrix_backward=backward_summary(matrix_steps, resets),
        normalizer_forward=forward_summary(normalizer_steps),
        normalizer_backward=backward_summary(normalizer_steps, resets),
    )


def prepare(raw: FrameGDNRaw, backend: Backend = Backend.REFERENCE) -> FrameGDNInputs:
    """Norms, ReLU, key scale (Eq. 5) and rotation of what the fused call starts from, each by its own kernel."""
    heads = raw.decay.shape[1]
    query = prepare_features(raw.query, raw.query_weight, heads, raw.norm_eps, 1.0, backend)
    key = prepare_features(raw.key, raw.key_weight, heads, raw.norm_eps, raw.key_scale, backend)
    return FrameGDNInputs(
        query=query,
        key=key,
        rotated_query=rotate(query, raw.cosine, raw.sine, backend),
        rotated_key=rotate(key, raw.cosine, raw.sine, backend),
        value=rearrange(raw.value, "b t s (h d) -> b h t s d", h=heads),
        update_gate=raw.update_gate,
        decay=raw.decay,
    )


def affine_steps(inputs: FrameGDNInputs) -> tuple[AffineSteps, AffineSteps]:
    """The steps of numerator and denominator, in float32."""
    key, rotated_key, value = inputs.key.float(), inputs.rotated_key.float(), inputs.value.float()
    ones = torch.ones_like(value[..., :1])
    if not inputs.delta:
        return cumulative_steps(rotated_key, value), cumulative_steps(key, ones)
    update_gate, decay = inputs.update_gate.float(), inputs.decay.float()
    return delta_rule_steps(rotated_key, value, update_gate, decay), delta_rule_steps(key, ones, update_gate, decay)
