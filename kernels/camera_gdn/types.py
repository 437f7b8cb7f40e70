"""What the camera branch's gated delta rule takes and gives."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from kernels.affine import AffineSummary


@dataclass(frozen=True)
class CameraGDNInputs:
    """Ray-transformed features (Eq. 6); the update gate is already discounted by the key inflation."""

    query: Float[Tensor, "batch heads frames space head_dim"]
    key: Float[Tensor, "batch heads frames space head_dim"]
    value: Float[Tensor, "batch heads frames space head_dim"]
    update_gate: Float[Tensor, "batch heads frames space"]
    decay: Float[Tensor, "batch heads frames"]


@dataclass(frozen=True)
class CameraGDNCarry:
    """The states that enter a call: ``before`` its first frame, and ``after`` its last (the reversed scan)."""

    before: Float[Tensor, "batch heads value key"] | None = None
    after: Float[Tensor, "batch heads value key"] | None = None


@dataclass(frozen=True)
class CameraGDNSummary:
    """A shard of frames as one affine map per direction (Eq. 12)."""

    forward: AffineSummary
    backward: AffineSummary
