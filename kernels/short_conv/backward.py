"""Gradients of the short convolution in plain PyTorch: the Triton backward's specification and its fallback."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.affine_adjoint import wide


def short_conv_backward(
    extended: Float[Tensor, "batch extended_frames space channels"],
    weight: Float[Tensor, "channels taps"],
    chunk_ids: Sequence[int],
    gradient: Float[Tensor, "batch frames space channels"],
) -> tuple[Float[Tensor, "batch extended_frames space channels"], Float[Tensor, "channels taps"]]:
    """Every tap of ``kernels.short_conv.reference`` backwards: gradients of the frames and of the weight."""
    reach, frames = weight.shape[1] - 1, gradient.shape[1]
    inputs, taps, outgoing = wide(extended), wide(weight), wide(gradient)
    toward_frames, toward_taps = torch.zeros_like(inputs), torch.zeros_like(taps)
    for place in range(2 * reach + 1):
        tap = place if place <= reach else 2 * reach - place
        seen = outgoing
        if place > reach:
            later = place - reach
            visible = [chunk_ids[frame] == chunk_ids[frame + later] for frame in range(frames)]
            seen = outgoing * outgoing.new_tensor(visible)[:, None, None]
        toward_frames[:, place : place + frames] += taps[:, tap] * seen
        toward_taps[:, tap] += (seen * inputs[:, place : place + frames]).sum((0, 1, 2))
    return toward_frames, toward_taps
