"""Degraded latents of real video: what is left after pixels are shrunk and enlarged again."""

import torch
from jaxtyping import Float
from torch import Tensor

from model.codecs.protocols import LatentCodec

Latents = Float[Tensor, "batch channels frames height width"]


@torch.no_grad()
def degraded(latents: Latents, codec: LatentCodec, factor: int) -> Latents:
    """Latents of the decoded video after an area reduction by ``factor`` and a bilinear enlargement.

    Raises:
        ValueError: the factor does not divide the picture.
    """
    video = codec.decode(latents)
    batch, _, frames, height, width = video.shape
    if height % factor or width % factor:
        raise ValueError(f"a picture of {height}x{width} pixels cannot be reduced by {factor}")
    pictures = video.transpose(1, 2).flatten(0, 1)
    small = torch.nn.functional.avg_pool2d(pictures, factor)
    large = torch.nn.functional.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)
    return codec.encode(large.unflatten(0, (batch, frames)).transpose(1, 2))
