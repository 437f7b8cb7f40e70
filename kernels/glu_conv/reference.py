"""SiLU, depthwise 3x3 convolution of every frame, and the gate: ``content * silu(gate)``."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def glu_conv(
    wide: Float[Tensor, "batch frames space two_channels"],
    weight: Float[Tensor, "two_channels 1 3 3"],
    bias: Float[Tensor, " two_channels"],
    height: int,
) -> Float[Tensor, "batch frames space channels"]:
    """See ``kernels.glu_conv.api.glu_conv``."""
    frames = wide.shape[1]
    images = rearrange(functional.silu(wide), "b t (h w) c -> (b t) c h w", h=height)
    convolved = functional.conv2d(images, weight, bias, padding=1, groups=wide.shape[-1])
    content, gate = convolved.chunk(2, dim=1)
    return rearrange(content * functional.silu(gate), "(b t) c h w -> b t (h w) c", t=frames)
