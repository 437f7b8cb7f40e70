"""Public entry of the feed-forward's middle: chooses the backend and nothing else."""

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, choose
from kernels.glu_conv import reference


def glu_conv(
    wide: Float[Tensor, "batch frames space two_channels"],
    weight: Float[Tensor, "two_channels 1 3 3"],
    bias: Float[Tensor, " two_channels"],
    height: int,
    backend: Backend = Backend.AUTO,
) -> Float[Tensor, "batch frames space channels"]:
    """``content * silu(gate)`` with ``(content, gate) = depthwise3x3(silu(wide)) + bias``, zeros beyond a frame's edge.

    Computed in float32 between its one read and its one write, where the reference rounds three times in between.

    Args:
        wide: before the SiLU; channels of the content, then of the gate.
        weight: one kernel per channel.
        bias: one per channel.
        height: rows of a frame; ``space`` is rows times columns.
        backend: implementation; ``triton`` computes no gradients, and ``auto`` is the reference where one is required.
    """
    if choose(backend, "glu_conv", (wide, weight, bias)) is Backend.REFERENCE:
        return reference.glu_conv(wide, weight, bias, height)
    from kernels.glu_conv import ops

    return ops.glu_conv(wide, weight, bias, height, backend is Backend.AUTO)
