"""The key convolution as a module: parameter, neighbours, and the tail a rollout carries."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernels.short_conv import short_conv, short_conv_alone
from model.causal.view import FrameView
from model.parallel.halo import with_neighbours


class ShortConv(nn.Module):
    """Depthwise convolution over time without bias or activation; the identity at initialization."""

    def __init__(self, channels: int, taps: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels, 1, taps))

    @property
    def reach(self) -> int:
        """Frames seen on either side."""
        return self.weight.shape[-1] - 1

    def forward(
        self,
        frames: Float[Tensor, "batch frames space channels"],
        view: FrameView,
        tail: Float[Tensor, "batch reach space channels"] | None,
    ) -> tuple[Float[Tensor, "batch frames space channels"], Float[Tensor, "batch reach space channels"]]:
        """Convolve; returns the output and the last ``reach`` inputs for the next chunk of a rollout."""
        if tail is None and view.shard is None and view.frames >= self.reach:
            return short_conv_alone(frames, self.weight[:, 0], view.chunk_ids(0)), frames[:, -self.reach :]
        extended = with_neighbours(frames, self.reach, self.reach, tail, view.shard)
        output = short_conv(extended, self.weight[:, 0], view.chunk_ids(self.reach))
        return output, extended[:, view.frames : view.frames + self.reach]
