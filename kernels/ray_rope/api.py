"""Public entry of rotation and ray transform: chooses the backend and nothing else."""

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, choose
from kernels.ray_rope import reference


def rotate(
    features: Float[Tensor, "batch heads frames space head_dim"],
    cosine: Float[Tensor, "frames space pairs"],
    sine: Float[Tensor, "frames space pairs"],
    backend: Backend = Backend.AUTO,
) -> Float[Tensor, "batch heads frames space head_dim"]:
    """Rotate each pair of consecutive channels by its angle; negate ``sine`` to rotate back."""
    if choose(backend, "ray_rope", (features,)) is Backend.REFERENCE:
        return reference.rotate(features, cosine, sine)
    from kernels.ray_rope import ops

    return ops.rotate(features, cosine, sine, backend is Backend.AUTO)


def transform_rays(
    features: Float[Tensor, "batch heads frames space head_dim"],
    matrix: Float[Tensor, "batch frames space 4 4"],
    cosine: Float[Tensor, "frames space quarter"],
    sine: Float[Tensor, "frames space quarter"],
    backend: Backend = Backend.AUTO,
) -> Float[Tensor, "batch heads frames space head_dim"]:
    """``matrix`` on the first half of the channels, in groups of four; rotation on the second half (Eq. 6).

    Args:
        features: per-head camera features; ``head_dim`` divisible by 8.
        matrix: per token; ``D^T`` for queries, ``D^-1`` for keys and values, ``D`` for outputs.
        cosine: of the rotation of the second half.
        sine: of the same; negated for outputs.
        backend: implementation.
    """
    if choose(backend, "ray_rope", (features, matrix)) is Backend.REFERENCE:
        return reference.transform_rays(features, matrix, cosine, sine)
    from kernels.ray_rope import ops

    return ops.transform_rays(features, matrix, cosine, sine, backend is Backend.AUTO)
