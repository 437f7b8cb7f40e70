"""Public entry of the camera branch's gated delta rule: chooses the backend and nothing else."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, require_reference
from kernels.camera_gdn import reference
from kernels.camera_gdn.types import CameraGDNCarry, CameraGDNInputs, CameraGDNSummary

__all__ = ["CameraGDNCarry", "CameraGDNInputs", "CameraGDNSummary", "camera_gdn", "camera_gdn_summary"]


def camera_gdn(
    inputs: CameraGDNInputs,
    resets: Sequence[bool],
    carry: CameraGDNCarry | None = None,
    backend: Backend = Backend.REFERENCE,
) -> tuple[Float[Tensor, "batch heads frames space head_dim"], Float[Tensor, "batch heads value key"]]:
    """Mix ray-local features over time, without a denominator (the GDN_cam of Eq. 6).

    Args:
        inputs: ray-transformed features and gates.
        resets: per frame, whether it starts a chunk that is not the first.
        carry: states entering from the left and from the right.
        backend: implementation.

    Returns:
        Output in float32, still in the ray frames' common (world) coordinates, and the forward state at the end.
    """
    require_reference(backend, "camera_gdn")
    return reference.camera_gdn(inputs, resets, carry or CameraGDNCarry())


def camera_gdn_summary(
    inputs: CameraGDNInputs, resets: Sequence[bool], backend: Backend = Backend.REFERENCE
) -> CameraGDNSummary:
    """What this call does to any state that enters it, for composing shards (Eq. 12)."""
    require_reference(backend, "camera_gdn")
    return reference.camera_gdn_summary(inputs, resets)
