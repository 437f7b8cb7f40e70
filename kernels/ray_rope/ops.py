"""Rotation and ray transform as ``torch.library`` operators."""

import torch
from torch import Tensor

from kernels.gate import Passed
from kernels.launch import token_strides, with_unit_channels
from kernels.ray_rope import autograd, reference
from kernels.ray_rope.triton_ray_rope import ray_rope_kernel

BLOCK = 32


@torch.library.custom_op("sana_wm::rotate", mutates_args=())
def rotate(features: Tensor, cosine: Tensor, sine: Tensor, gated: bool) -> Tensor:
    """See ``kernels.ray_rope.api.rotate``."""
    if gated and not Passed.on(features.device, features.shape[-1]):
        return reference.rotate(features, cosine, sine).contiguous()
    return _launch(features, None, cosine, sine)


@rotate.register_fake
def _(features: Tensor, cosine: Tensor, sine: Tensor, gated: bool) -> Tensor:  # noqa: ARG001 - the operator's schema
    return features.new_empty(features.shape)


@torch.library.custom_op("sana_wm::transform_rays", mutates_args=())
def transform_rays(features: Tensor, matrix: Tensor, cosine: Tensor, sine: Tensor, gated: bool) -> Tensor:
    """See ``kernels.ray_rope.api.transform_rays``."""
    if gated and not Passed.on(features.device, features.shape[-1]):
        return reference.transform_rays(features, matrix, cosine, sine).contiguous()
    return _launch(features, matrix, cosine, sine)


@transform_rays.register_fake
def _(features: Tensor, matrix: Tensor, cosine: Tensor, sine: Tensor, gated: bool) -> Tensor:  # noqa: ARG001 - as above
    return features.new_empty(features.shape)


def _launch(features: Tensor, matrix: Tensor | None, cosine: Tensor, sine: Tensor) -> Tensor:
    features = with_unit_channels(features)
    batch, heads, frames, space, dim = features.shape
    output = torch.empty(features.shape, dtype=features.dtype, device=features.device)
    cosine, sine = cosine.float().contiguous(), sine.float().contiguous()
    half = max(4, 1 << (dim // 2 - 1).bit_length())
    ray_rope_kernel[heads, -(-space // BLOCK), batch * frames](
        features, cosine if matrix is None else matrix.float().contiguous(), cosine, sine, output,
        *token_strides(features), frames, space,
        DIM=dim, RAYS=matrix is not None, BLOCK=BLOCK, HALF=half, WHOLE=2 * half, num_warps=4,
    )  # fmt: skip
    return output


autograd.register(rotate, transform_rays)
