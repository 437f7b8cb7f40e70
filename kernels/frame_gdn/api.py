"""Public entry of the frame-wise gated delta rule: chooses the backend and nothing else."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, require_reference
from kernels.frame_gdn import reference
from kernels.frame_gdn.types import FrameGDNCarry, FrameGDNInputs, FrameGDNState, FrameGDNSummary

__all__ = ["FrameGDNCarry", "FrameGDNInputs", "FrameGDNState", "FrameGDNSummary", "frame_gdn", "frame_gdn_summary"]


def frame_gdn(
    inputs: FrameGDNInputs,
    resets: Sequence[bool],
    eps: float,
    carry: FrameGDNCarry | None = None,
    backend: Backend = Backend.REFERENCE,
) -> tuple[Float[Tensor, "batch heads frames space head_dim"], FrameGDNState]:
    """Mix tokens over time: inclusive forward scan plus exclusive reversed scan (Eq. 3).

    Args:
        inputs: prepared features and gates.
        resets: per frame, whether it starts a chunk that is not the first; the reversed scan stops there.
        eps: added to the denominator.
        carry: states entering from the left (rollout or shard) and from the right (shard).
        backend: implementation.

    Returns:
        Output in float32, and the forward state after the last frame.
    """
    require_reference(backend, "frame_gdn")
    return reference.frame_gdn(inputs, resets, eps, carry or FrameGDNCarry())


def frame_gdn_summary(
    inputs: FrameGDNInputs, resets: Sequence[bool], backend: Backend = Backend.REFERENCE
) -> FrameGDNSummary:
    """What this call does to any state that enters it, for composing shards (Eq. 12)."""
    require_reference(backend, "frame_gdn")
    return reference.frame_gdn_summary(inputs, resets)
