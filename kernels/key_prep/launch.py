"""Launching the RMS and feature kernels."""

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.key_prep.triton_rms import features_kernel, inverse_rms_kernel
from kernels.launch import as_rows

ROWS, BLOCK = 4, 512


def inverse_rms(
    query: Float[Tensor, "batch frames space width"], key: Float[Tensor, "batch frames space width"], eps: float
) -> Float[Tensor, "two batch frames space"]:
    """``rsqrt(mean over all heads of x^2 + eps)`` of every query and key, in float32, in one launch."""
    tokens, width = query[..., 0].numel(), query.shape[-1]
    output = torch.empty(2, *query.shape[:3], device=query.device)
    block = min(BLOCK, 1 << (width - 1).bit_length())
    inverse_rms_kernel[-(-tokens // ROWS), 2](
        query, key, output, query.stride(2), key.stride(2), tokens, eps,
        WIDTH=width, ROWS=ROWS, BLOCK=block, num_warps=4,
    )  # fmt: skip
    return output


def prepare_features(
    raw: Float[Tensor, "batch frames space width"],
    weight: Float[Tensor, " width"],
    heads: int,
    eps: float,
    scale: float,
) -> Float[Tensor, "batch heads frames space head_dim"]:
    """See ``kernels.key_prep.api.prepare_features``."""
    raw = as_rows(raw)
    batch, frames, space, width = raw.shape
    dim = width // heads
    output = torch.empty(batch, heads, frames, space, dim, dtype=raw.dtype, device=raw.device)
    tokens = batch * frames * space
    features_kernel[-(-tokens // ROWS),](
        raw, weight, output, raw.stride(2), tokens, space, frames, eps, scale,
        HEADS=heads, DIM=dim, ROWS=ROWS,
        BLOCK=min(BLOCK, 1 << (width - 1).bit_length()), COLUMNS=1 << (dim - 1).bit_length(),
        num_warps=4,
    )  # fmt: skip
    return output
