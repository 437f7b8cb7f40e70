"""Public entry of feature preparation: chooses the backend and nothing else."""

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, choose
from kernels.key_prep import reference


def prepare_features(
    raw: Float[Tensor, "batch frames space width"],
    weight: Float[Tensor, " width"],
    heads: int,
    eps: float,
    scale: float = 1.0,
    backend: Backend = Backend.AUTO,
) -> Float[Tensor, "batch heads frames space head_dim"]:
    """``ReLU(RMSNorm(raw)) * scale``; the norm runs over the full width, all heads together, in float32.

    Args:
        raw: projected queries or keys (keys after the short convolution).
        weight: of the norm.
        heads: number of heads the width is split into afterwards.
        eps: of the norm.
        scale: 1 for queries, ``(head_dim * space) ** -0.5`` for keys (Eq. 5).
        backend: implementation.
    """
    if choose(backend, "key_prep", (raw, weight)) is Backend.REFERENCE:
        return reference.prepare_features(raw, weight, heads, eps, scale)
    from kernels.key_prep import ops

    return ops.prepare_features(raw, weight, heads, eps, scale, backend is Backend.AUTO)
