"""The short convolution tap by tap.

y[t] = sum_j w[j] x[t - (taps-1) + j]  +  sum_{d>=1} w[taps-1-d] x[t+d] [t+d in the chunk of t]
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def short_conv(
    extended: Float[Tensor, "batch extended_frames space channels"],
    weight: Float[Tensor, "channels taps"],
    chunk_ids: Sequence[int],
) -> Float[Tensor, "batch frames space channels"]:
    """See ``kernels.short_conv.api.short_conv``."""
    reach = weight.shape[1] - 1
    frames = extended.shape[1] - 2 * reach
    output = torch.zeros_like(extended[:, :frames])
    for tap in range(reach + 1):
        output = output + weight[:, tap] * extended[:, tap : tap + frames]
    for distance in range(1, reach + 1):
        visible = [chunk_ids[frame] == chunk_ids[frame + distance] for frame in range(frames)]
        if not any(visible):
            continue
        later = extended[:, reach + distance : reach + distance + frames]
        if not all(visible):
            later = later * later.new_tensor(visible)[:, None, None]
        output = output + weight[:, reach - distance] * later
    return output


def with_zeros(
    frames: Float[Tensor, "batch frames space channels"],
    weight: Float[Tensor, "channels taps"],
    chunk_ids: Sequence[int],
) -> tuple[Float[Tensor, "batch extended_frames space channels"], Float[Tensor, "channels taps"], list[int]]:
    """What ``short_conv`` takes, of a whole sequence: zeros on both sides, which belong to no chunk."""
    reach = weight.shape[1] - 1
    return torch.nn.functional.pad(frames, (0, 0, 0, 0, reach, reach)), weight, [*chunk_ids, *[-1] * reach]
