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


@dataclass(frozen=True)
class CameraGDNRaw:
    """What the fused call starts from: projections before norms, ray transform and split into heads.

    The update gate is the main branch's: the discount by the keys' inflation happens inside.

    Attributes:
        query_weight: of the full-width query norm.
        key_weight: of the full-width key norm.
        ray_from_world: D of Eq. 6, per token.
        world_from_ray: its inverse.
        cosine: of the rotary half's angles.
        sine: of the same.
        norm_eps: of both norms.
        key_scale: ``(head_dim * space) ** -0.5`` (Eq. 5).
    """

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
    norm_eps: float
    key_scale: float
