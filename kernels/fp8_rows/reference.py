"""Scale, clamp, round."""

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.fp8_rows.types import E4M3_MAXIMUM, SMALLEST_SCALE, Fp8Rows


def quantize_rows(features: Float[Tensor, "*rows channels"]) -> Fp8Rows:
    """See ``kernels.fp8_rows.api.quantize_rows``."""
    rows = features.flatten(0, -2).float()
    scale = (rows.abs().amax(dim=-1, keepdim=True) / E4M3_MAXIMUM).clamp_min(SMALLEST_SCALE)
    return Fp8Rows((rows / scale).clamp(-E4M3_MAXIMUM, E4M3_MAXIMUM).to(torch.float8_e4m3fn), scale)
