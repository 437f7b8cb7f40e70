"""The equations, an operation after another."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from kernels.rows.types import E4M3_MAXIMUM, SMALLEST_SCALE, Fp8Rows

Tokens = Float[Tensor, "batch frames space channels"]
Vectors = Float[Tensor, "batch frames channels"]


def quantize_rows(features: Float[Tensor, "*rows channels"]) -> Fp8Rows:
    """See ``kernels.rows.api.quantize_rows``."""
    rows = features.flatten(0, -2).float()
    scale = (rows.abs().amax(dim=-1, keepdim=True) / E4M3_MAXIMUM).clamp_min(SMALLEST_SCALE)
    return Fp8Rows((rows / scale).clamp(-E4M3_MAXIMUM, E4M3_MAXIMUM).to(torch.float8_e4m3fn), scale)


def modulate(tokens: Tokens, shift: Vectors, scale: Vectors, eps: float) -> Tokens:
    """See ``kernels.rows.api.modulate``."""
    normed = functional.layer_norm(tokens, tokens.shape[-1:], eps=eps)
    return normed * (1 + scale[:, :, None]) + shift[:, :, None]


def add_modulate(tokens: Tokens, update: Tokens, shift: Vectors, scale: Vectors, eps: float) -> tuple[Tokens, Tokens]:
    """See ``kernels.rows.api.add_modulate``."""
    total = tokens + update
    return total, modulate(total, shift, scale, eps)


def add_gated(tokens: Tokens, update: Tokens, gate: Vectors, extra: Tokens | None) -> Tokens:
    """See ``kernels.rows.api.add_gated``."""
    total = tokens + gate[:, :, None] * update
    return total if extra is None else total + extra


def gated_sum(main: Float[Tensor, "batch heads frames space dim"], camera: Tokens | None, gate: Tokens) -> Tokens:
    """See ``kernels.rows.api.gated_sum``."""
    mixed = rearrange(main, "b h t s d -> b t s (h d)").to(gate.dtype)
    if camera is not None:
        mixed = mixed + camera
    return (mixed.float() * functional.silu(gate.float())).to(gate.dtype)
