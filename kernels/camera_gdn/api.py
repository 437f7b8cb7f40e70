"""Public entry of the camera branch's gated delta rule: chooses the backend and nothing else."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, choose
from kernels.camera_gdn import reference
from kernels.camera_gdn.types import CameraGDNCarry, CameraGDNInputs, CameraGDNRaw, CameraGDNSummary

__all__ = [
    "CameraGDNCarry",
    "CameraGDNInputs",
    "CameraGDNRaw",
    "CameraGDNSummary",
    "camera_gdn",
    "camera_gdn_raw",
    "camera_gdn_summary",
]


def camera_gdn(
    inputs: CameraGDNInputs,
    resets: Sequence[bool],
    carry: CameraGDNCarry | None = None,
    backend: Backend = Backend.AUTO,
) -> tuple[Float[Tensor, "batch heads frames space head_dim"], Float[Tensor, "batch heads value key"]]:
    """Mix ray-local features over time, without a denominator (the GDN_cam of Eq. 6).

    Args:
        inputs: ray-transformed features and gates.
        resets: per frame, whether it starts a chunk that is not the first.
        carry: states entering from the left and from the right.
        backend: implementation.

    Returns:
        Output (float32 from the reference, the features' type from the kernels), still in the ray frames' common
        (world) coordinates, and the forward state at the end, in float32.
    """
    carry = carry or CameraGDNCarry()
    if choose(backend, "camera_gdn", _tensors(inputs)) is Backend.REFERENCE:
        return reference.camera_gdn(inputs, resets, carry)
    from kernels.camera_gdn import ops

    return ops.camera_gdn(inputs, resets, carry, gated=backend is Backend.AUTO)


def camera_gdn_raw(
    raw: CameraGDNRaw,
    resets: Sequence[bool],
    carry: CameraGDNCarry | None = None,
    backend: Backend = Backend.AUTO,
) -> tuple[Float[Tensor, "batch heads frames space head_dim"], Float[Tensor, "batch heads value key"]]:
    """The whole camera branch between its projections: norms, ray transform, gate discount, scan, way back (Eq. 6).

    Returns:
        Output in each ray's own coordinates, and the forward state at the end, in float32.
    """
    carry = carry or CameraGDNCarry()
    tensors = (raw.query, raw.key, raw.value, raw.query_weight, raw.key_weight, raw.update_gate, raw.decay)
    if choose(backend, "camera_gdn", tensors) is Backend.REFERENCE:
        return reference.camera_gdn_raw(raw, resets, carry)
    from kernels.camera_gdn import ops

    return ops.camera_gdn_raw(raw, resets, carry, gated=backend is Backend.AUTO)


def camera_gdn_summary(
    inputs: CameraGDNInputs, resets: Sequence[bool], backend: Backend = Backend.AUTO
) -> CameraGDNSummary:
    """What this call does to any state that enters it, for composing shards (Eq. 12)."""
    if choose(backend, "camera_gdn_summary", _tensors(inputs)) is Backend.REFERENCE:
        return reference.camera_gdn_summary(inputs, resets)
    from kernels.camera_gdn import ops
    from kernels.gate import usable

    if not usable(backend, inputs.key, inputs.key.shape[-1]):
        return reference.camera_gdn_summary(inputs, resets)
    return ops.camera_gdn_summary(inputs, resets)


def _tensors(inputs: CameraGDNInputs) -> tuple[Tensor, ...]:
    return inputs.query, inputs.key, inputs.value, inputs.update_gate, inputs.decay
