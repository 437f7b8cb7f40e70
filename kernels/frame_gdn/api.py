"""Public entry of the frame-wise gated delta rule: chooses the backend and nothing else."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, choose
from kernels.frame_gdn import reference
from kernels.frame_gdn.types import FrameGDNCarry, FrameGDNInputs, FrameGDNRaw, FrameGDNState, FrameGDNSummary

__all__ = [
    "FrameGDNCarry",
    "FrameGDNInputs",
    "FrameGDNRaw",
    "FrameGDNState",
    "FrameGDNSummary",
    "frame_gdn",
    "frame_gdn_raw",
    "frame_gdn_summary",
    "prepare_frame_gdn",
]


def frame_gdn(
    inputs: FrameGDNInputs,
    resets: Sequence[bool],
    eps: float,
    carry: FrameGDNCarry | None = None,
    backend: Backend = Backend.AUTO,
) -> tuple[Float[Tensor, "batch heads frames space head_dim"], FrameGDNState]:
    """Mix tokens over time: inclusive forward scan plus exclusive reversed scan (Eq. 3).

    Args:
        inputs: prepared features and gates.
        resets: per frame, whether it starts a chunk that is not the first; the reversed scan stops there.
        eps: added to the denominator.
        carry: states entering from the left (rollout or shard) and from the right (shard).
        backend: implementation.

    Returns:
        Output (float32 from the reference, the features' type from the kernels), and the forward state after the last
        frame, in float32.
    """
    carry = carry or FrameGDNCarry()
    if choose(backend, "frame_gdn", _tensors(inputs)) is Backend.REFERENCE:
        return reference.frame_gdn(inputs, resets, eps, carry)
    from kernels.frame_gdn import ops

    return ops.frame_gdn(inputs, resets, eps, carry, gated=backend is Backend.AUTO)


def frame_gdn_raw(
    raw: FrameGDNRaw,
    resets: Sequence[bool],
    eps: float,
    carry: FrameGDNCarry | None = None,
    backend: Backend = Backend.AUTO,
) -> tuple[Float[Tensor, "batch heads frames space head_dim"], FrameGDNState]:
    """``frame_gdn`` from unnormalized projections: norms, ReLU, key scale and rotation happen on the way (Eq. 3-5).

    Args and returns are those of ``frame_gdn``; nothing between the projections and the output touches device memory
    but per-frame matrices.
    """
    carry = carry or FrameGDNCarry()
    tensors = (raw.query, raw.key, raw.value, raw.query_weight, raw.key_weight, raw.update_gate, raw.decay)
    if choose(backend, "frame_gdn", tensors) is Backend.REFERENCE:
        return reference.frame_gdn(reference.prepare(raw), resets, eps, carry)
    from kernels.frame_gdn import ops

    return ops.frame_gdn_raw(raw, resets, eps, carry, gated=backend is Backend.AUTO)


def prepare_frame_gdn(raw: FrameGDNRaw, backend: Backend = Backend.AUTO) -> FrameGDNInputs:
    """The prepared features of a fused call, for whoever needs them by themselves, as shards do (Eq. 4-5)."""
    return reference.prepare(raw, backend)


def frame_gdn_summary(
    inputs: FrameGDNInputs, resets: Sequence[bool], backend: Backend = Backend.AUTO
) -> FrameGDNSummary:
    """What this call does to any state that enters it, for composing shards (Eq. 12)."""
    if choose(backend, "frame_gdn_summary", _tensors(inputs)) is Backend.REFERENCE:
        return reference.frame_gdn_summary(inputs, resets)
    from kernels.frame_gdn import ops
    from kernels.gate import usable

    if not usable(backend, inputs.key, inputs.key.shape[-1]):
        return reference.frame_gdn_summary(inputs, resets)
    return ops.frame_gdn_summary(inputs, resets)


def _tensors(inputs: FrameGDNInputs) -> tuple[Tensor, ...]:
    features = (inputs.query, inputs.key, inputs.rotated_query, inputs.rotated_key, inputs.value)
    return (*features, inputs.update_gate, inputs.decay)
