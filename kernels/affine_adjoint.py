"""Gradients of the affine recurrence: the two scans run backwards, then down to keys, values and gates.

With ``D_t`` the gradient that reading frame t sends to the sum of its states, M symmetric (Eq. 3)::

    A_t = D_t + A_{t+1} M_{t+1}      of the forward scan's state S_t, walked from the last frame to the first
    X_t = D_{t-1} + X_{t-1} M_{t-1}  of what frame t hands to the reversed scan; zero in frame 0 and at a chunk's start
    dU_t = A_t + X_t,   dM_t = S_{t-1}^T A_t + R_t^T X_t

The states S and R are recomputed by whoever calls; nothing of the forward is kept but its inputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.affine import AffineSteps, backward_states, forward_states


@dataclass(frozen=True)
class AffineEnds:
    """States that enter the two scans; None is zero."""

    before: Float[Tensor, "batch heads value key"] | None
    after: Float[Tensor, "batch heads value key"] | None


@dataclass(frozen=True)
class States:
    """States of both scans at every frame: forward inclusive, later exclusive (``kernels.affine``)."""

    forward: Float[Tensor, "batch heads frames value key"]
    later: Float[Tensor, "batch heads frames value key"]


@dataclass(frozen=True)
class AffineGradients:
    """Gradients of every frame's step and of the states that entered."""

    transition: Float[Tensor, "batch heads frames key key"]
    update: Float[Tensor, "batch heads frames value key"]
    before: Float[Tensor, "batch heads value key"]
    after: Float[Tensor, "batch heads value key"]


@dataclass(frozen=True)
class Incoming:
    """Gradients of the outputs: of the mixed tokens, and of the state after the last frame."""

    output: Float[Tensor, "batch heads frames space head_dim"]
    last: Float[Tensor, "batch heads rows key"]


@dataclass(frozen=True)
class TokenGradients:
    """Gradients of what a delta rule step is made of."""

    key: Float[Tensor, "batch heads frames space key"]
    value: Float[Tensor, "batch heads frames space value"]
    update_gate: Float[Tensor, "batch heads frames space"]
    decay: Float[Tensor, "batch heads frames"]


def wide(tensor: Tensor) -> Tensor:
    """The tensor in float32, or in float64 if it is that."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def scan_states(steps: AffineSteps, resets: Sequence[bool], ends: AffineEnds) -> States:
    """Both scans."""
    return States(forward_states(steps, ends.before), backward_states(steps, resets, ends.after))


def affine_backward(
    steps: AffineSteps,
    resets: Sequence[bool],
    ends: AffineEnds,
    states: States,
    reads: Float[Tensor, "batch heads frames value key"],
    last: Float[Tensor, "batch heads value key"],
) -> AffineGradients:
    """Run both adjoint scans.

    Args:
        steps: of the forward.
        resets: of the forward.
        ends: of the forward.
        states: of ``scan_states``.
        reads: gradient of the sum of both states of every frame.
        last: gradient of the forward state after the last frame.
    """
    inclusive, before = _forward_adjoint(steps, reads, last)
    handed, after = _backward_adjoint(steps, resets, reads)
    initial = torch.zeros_like(last) if ends.before is None else ends.before.to(last.dtype)
    earlier = torch.cat((initial[:, :, None], states.forward[:, :, :-1]), 2)
    transition = earlier.mT @ inclusive + states.later.mT @ handed
    return AffineGradients(transition, inclusive + handed, before, after)


def _forward_adjoint(steps: AffineSteps, reads: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    carry, inclusive = last, []
    for transition, read in zip(steps.transition.unbind(2)[::-1], reads.unbind(2)[::-1], strict=True):
        inclusive.append(carry + read)
        carry = inclusive[-1] @ transition.mT
    return torch.stack(inclusive[::-1], 2), carry


def _backward_adjoint(steps: AffineSteps, resets: Sequence[bool], reads: Tensor) -> tuple[Tensor, Tensor]:
    carry, handed = torch.zeros_like(reads[:, :, 0]), []
    for frame, read in enumerate(reads.unbind(2)):
        if resets[frame]:
            carry = torch.zeros_like(carry)
        handed.append(carry)
        carry = carry @ steps.transition[:, :, frame].mT + read
    return torch.stack(handed, 2), carry


def delta_rule_backward(
    key: Float[Tensor, "batch heads frames space key"],
    value: Float[Tensor, "batch heads frames space value"],
    update_gate: Float[Tensor, "batch heads frames space"],
    decay: Float[Tensor, "batch heads frames"],
    gradients: AffineGradients,
) -> TokenGradients:
    """From the steps' gradients to keys, values and gates (Eq. 3).

    With P = K B K^T and U = V B K^T: dk = b (2 sym(dP) k + dU^T v), dv = b dU k, db = k dP k + v dU k.
    """
    from_transition = gradients.transition
    gram = key.mT @ (key * update_gate[..., None])
    decay_gradient = from_transition.diagonal(dim1=-2, dim2=-1).sum(-1) - (from_transition * gram).sum((-2, -1))
    correction = -decay[..., None, None] * (from_transition + from_transition.mT)
    toward_key = key @ correction + value @ gradients.update
    toward_value = key @ gradients.update.mT
    gate = 0.5 * ((key * toward_key).sum(-1) + (value * toward_value).sum(-1))
    weight = update_gate[..., None]
    return TokenGradients(weight * toward_key, weight * toward_value, gate, decay_gradient)


def cumulative_backward(
    key: Float[Tensor, "batch heads frames space key"],
    value: Float[Tensor, "batch heads frames space value"],
    gradients: AffineGradients,
) -> tuple[Tensor, Tensor]:
    """Gradients of key and value where nothing decays and nothing is corrected (Eq. 1)."""
    return value @ gradients.update, key @ gradients.update.mT
