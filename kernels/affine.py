"""The affine recurrence that both gated delta rules share, one latent frame a step.

Legend (rows of a state are value channels, columns key channels; ``v`` and ``k`` are their sizes)::

    M   transition   (k k)   gamma (I - K B K^T)                                   Eq. 3
    U   update       (v k)   V B K^T                                               Eq. 3
    S   state        (v k)   S_t = S_{t-1} M_t + U_t                               Eq. 3
    R   state        (v k)   R_t = R_{t+1} M_{t+1} + U_{t+1}, the reversed scan, exclusive of its own frame
    C,H summary              a shard maps the state it is given to  S C + H        Eq. 12

Every heavy product is batched over the frames; only the composition of the small matrices is a loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class AffineSteps:
    """One affine map of the state per frame, in float32."""

    transition: Float[Tensor, "batch heads frames key key"]
    update: Float[Tensor, "batch heads frames value key"]


@dataclass(frozen=True)
class AffineSummary:
    """All frames of a shard composed into one affine map (Eq. 12)."""

    transition: Float[Tensor, "batch heads key key"]
    update: Float[Tensor, "batch heads value key"]


def delta_rule_steps(
    key: Float[Tensor, "batch heads frames space key"],
    value: Float[Tensor, "batch heads frames space value"],
    update_gate: Float[Tensor, "batch heads frames space"],
    decay: Float[Tensor, "batch heads frames"],
) -> AffineSteps:
    """Transition and update of every frame (Eq. 3)."""
    gated_key = key * update_gate[..., None]
    identity = torch.eye(key.shape[-1], dtype=key.dtype, device=key.device)
    transition = decay[..., None, None] * (identity - key.mT @ gated_key)
    return AffineSteps(transition, value.mT @ gated_key)


def cumulative_steps(
    key: Float[Tensor, "batch heads frames space key"],
    value: Float[Tensor, "batch heads frames space value"],
) -> AffineSteps:
    """The steps of cumulative linear attention: nothing decays, nothing is corrected (Eq. 1)."""
    identity = torch.eye(key.shape[-1], dtype=key.dtype, device=key.device)
    return AffineSteps(identity.expand(*key.shape[:3], -1, -1), value.mT @ key)


def forward_states(
    steps: AffineSteps, initial: Float[Tensor, "batch heads value key"] | None
) -> Float[Tensor, "batch heads frames value key"]:
    """S_t of every frame, its own frame included; ``initial`` is the state before frame 0 (zero if None)."""
    state = torch.zeros_like(steps.update[:, :, 0]) if initial is None else initial
    states = []
    for transition, update in zip(steps.transition.unbind(2), steps.update.unbind(2), strict=True):
        state = torch.matmul(state, transition) + update
        states.append(state)
    return torch.stack(states, 2)


def backward_states(
    steps: AffineSteps, resets: Sequence[bool], initial: Float[Tensor, "batch heads value key"] | None
) -> Float[Tensor, "batch heads frames value key"]:
    """R_t of every frame, made of the later frames only.

    A frame with ``resets`` starts a chunk: nothing at or after it reaches an earlier frame. ``initial`` is the state
    that has absorbed every frame after the last one (zero if None).
    """
    state = torch.zeros_like(steps.update[:, :, 0]) if initial is None else initial
    states = [state]
    frames = steps.update.shape[2]
    for frame in range(frames - 1, 0, -1):
        if resets[frame]:
            state = torch.zeros_like(state)
        else:
            state = torch.matmul(state, steps.transition[:, :, frame]) + steps.update[:, :, frame]
        states.append(state)
    return torch.stack(states[::-1], 2)


def forward_summary(steps: AffineSteps) -> AffineSummary:
    """Compose all frames in time order (Eq. 12)."""
    frames = range(steps.update.shape[2])
    return _compose(steps, list(frames))


def backward_summary(steps: AffineSteps, resets: Sequence[bool]) -> AffineSummary:
    """Compose all frames in reversed order, down to frame 0; a reset forgets everything that came before it."""
    last_reset = next((frame for frame, reset in enumerate(resets) if reset), None)
    if last_reset is None:
        return _compose(steps, list(range(steps.update.shape[2] - 1, -1, -1)))
    summary = _compose(steps, list(range(last_reset - 1, -1, -1)))
    return AffineSummary(torch.zeros_like(summary.transition), summary.update)


def _compose(steps: AffineSteps, order: list[int]) -> AffineSummary:
    identity = torch.eye(steps.transition.shape[-1], dtype=steps.transition.dtype, device=steps.transition.device)
    transition = identity.expand_as(steps.transition[:, :, 0])
    update = torch.zeros_like(steps.update[:, :, 0])
    for frame in order:
        step = steps.transition[:, :, frame]
        transition = torch.matmul(transition, step)
        update = torch.matmul(update, step) + steps.update[:, :, frame]
    return AffineSummary(transition, update)
