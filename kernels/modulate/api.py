"""Public entry of the modulated layer norm: chooses the backend and nothing else."""

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, choose
from kernels.modulate import reference


def modulate(
    tokens: Float[Tensor, "batch frames space channels"],
    shift: Float[Tensor, "batch frames channels"],
    scale: Float[Tensor, "batch frames channels"],
    eps: float,
    backend: Backend = Backend.AUTO,
) -> Float[Tensor, "batch frames space channels"]:
    """Layer norm without affine, then ``x (1 + scale) + shift`` with one vector per frame.

    Computed in float32 between its one read and its one write, where the reference rounds three times in between.

    Args:
        tokens: rows to normalize over their channels.
        shift: added, one vector per frame.
        scale: one vector per frame; 0 leaves the normed row as it is.
        eps: added to the variance.
        backend: implementation; ``triton`` computes no gradients, and ``auto`` is the reference where one is required.
    """
    if choose(backend, "modulate", (tokens, shift, scale)) is Backend.REFERENCE:
        return reference.modulate(tokens, shift, scale, eps)
    from kernels.modulate import ops

    return ops.modulate(tokens, shift, scale, eps, backend is Backend.AUTO)
