"""Layers of the causal decoder: a convolution that looks back only, a norm over channels, and sub-pixel upsampling.

Every layer with a memory takes its tail (the last frames it read) and returns the next one; no layer stores anything.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

KERNEL = 3
TAIL_FRAMES = KERNEL - 1
NORM_EPS = 1e-8  # of the released class; its configured resnet_norm_eps is read by no norm of the decoder

Features = Float[Tensor, "batch channels frames height width"]
Tail = Float[Tensor, "batch channels 2 height width"]


class CausalConv3d(nn.Module):
    """3x3x3 convolution over the current frame and the two before it; space is padded by reflection.

    Args:
        channels: channels read.
        out_channels: channels written.
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels, out_channels, KERNEL, padding=(0, 1, 1), padding_mode="reflect")

    def forward(self, features: Features, tail: Tail | None) -> tuple[Features, Tail]:
        """As many frames as given, and the tail for the next ones.

        Without a tail (the start of a clip) the first frame is repeated into the past.
        """
        past = features[:, :, :1].expand(-1, -1, TAIL_FRAMES, -1, -1) if tail is None else tail
        seen = torch.cat([past, features], dim=2)
        # A copy: a view would keep the whole input alive.
        return self.conv(seen), seen[:, :, -TAIL_FRAMES:].clone()


def channel_norm(features: Features) -> Features:
    """Divide each position by the root mean square of its channels; there is no weight."""
    return features * torch.rsqrt(features.square().mean(dim=1, keepdim=True) + NORM_EPS)


def activated(features: Features) -> Features:
    """Norm, then SiLU: what stands before every convolution but the first."""
    return functional.silu(channel_norm(features))


def unfolded(features: Features, starts_clip: bool) -> Features:
    """Turn groups of eight channels into twice the frames, height and width.

    The first frame of a clip stands for one frame, not two, so its earlier copy is dropped.
    """
    spread = rearrange(features, "b (c t y x) f h w -> b c (f t) (h y) (w x)", t=2, y=2, x=2)
    return spread[:, :, 1:] if starts_clip else spread


class Upsampler(nn.Module):
    """Doubles frames, height and width and halves the channels; its residual path unfolds the input itself.

    Args:
        channels: channels read.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = CausalConv3d(channels, 4 * channels)

    def forward(self, features: Features, tail: Tail | None) -> tuple[Features, Tail]:
        """Upsampled features, and the convolution's next tail."""
        mixed, following = self.conv(features, tail)
        # An eighth of the channels is left after unfolding; half are wanted.
        skipped = unfolded(features, tail is None).repeat(1, 4, 1, 1, 1)
        return unfolded(mixed, tail is None) + skipped, following
