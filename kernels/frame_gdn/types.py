"""What the frame-wise gated delta rule takes and gives."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from kernels.affine import AffineSummary


@dataclass(frozen=True)
class FrameGDNInputs:
    """Prepared features of one call. Keys carry the scale ``(head_dim * space) ** -0.5`` (Eq. 5).

    The numerator reads the rotated query and key, the denominator the plain ones. ``delta`` off gives cumulative
    linear attention (Eq. 1): gates are then ignored.
    """

    query: Float[Tensor, "batch heads frames space head_dim"]
    key: Float[Tensor, "batch heads frames space head_dim"]
    rotated_query: Float[Tensor, "batch heads frames space head_dim"]
    rotated_key: Float[Tensor, "batch heads frames space head_dim"]
    value: Float[Tensor, "batch heads frames space head_dim"]
    update_gate: Float[Tensor, "batch heads frames space"]
    decay: Float[Tensor, "batch heads frames"]
    delta: bool = True


@dataclass(frozen=True)
class FrameGDNState:
    """What a scan has absorbed, in float32: ``matrix`` for the numerator, ``normalizer`` for the denominator."""

    matrix: Float[Tensor, "batch heads value key"]
    normalizer: Float[Tensor, "batch heads one key"]


@dataclass(frozen=True)
class FrameGDNCarry:
    """The states that enter a call: ``before`` its first frame, and ``after`` its last (the reversed scan)."""

    before: FrameGDNState | None = None
    after: FrameGDNState | None = None


@dataclass(frozen=True)
class FrameGDNSummary:
    """A shard of frames as one affine map per state and direction (Eq. 12)."""

    matrix_forward: AffineSummary
    matrix_backward: AffineSummary
    normalizer_forward: AffineSummary
    normalizer_backward: AffineSummary


@dataclass(frozen=True)
class FrameGDNRaw:
    """What the fused call starts from: projections before norms, rotation and split into heads.

    ``query``, ``key`` (after the short convolution) and ``value`` may be slices of one projection's output.

    Attributes:
        query_weight: of the full-width query norm.
        key_weight: of the full-width key norm.
        cosine: of each channel pair's angle.
        sine: of the same.
        norm_eps: of both norms.
        key_scale: ``(head_dim * space) ** -0.5`` (Eq. 5).
    """

    query: Float[Tensor, "batch frames space width"]
    key: Float[Tensor, "batch frames space width"]
    value: Float[Tensor, "batch frames space width"]
    query_weight: Float[Tensor, " width"]
    key_weight: Float[Tensor, " width"]
    cosine: Float[Tensor, "frames space pairs"]
    sine: Float[Tensor, "frames space pairs"]
    update_gate: Float[Tensor, "batch heads frames space"]
    decay: Float[Tensor, "batch heads frames"]
    norm_eps: float
    key_scale: float
