"""FP8 E4M3 with one FP32 scale a row (rowwise scaling), emulated by casting."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

E4M3_MAXIMUM = 448.0


@dataclass(frozen=True)
class Fp8Tensor:
    """A matrix as ``codes * scale``.

    Attributes:
        codes: float8_e4m3fn [rows, columns].
        scale: multiplied when decoding.
    """

    codes: Tensor  # jaxtyping has no checked name for E4M3
    scale: Float[Tensor, "rows 1"]


def quantize_fp8(matrix: Float[Tensor, "rows columns"]) -> Fp8Tensor:
    """Round each row to E4M3 after scaling its largest magnitude to 448; an all-zero row keeps scale 1.

    Raises:
        ValueError: a value is not finite.
    """
    if not bool(torch.isfinite(matrix).all()):
        raise ValueError(f"FP8 needs a finite matrix; got shape {tuple(matrix.shape)}")
    largest = matrix.float().abs().amax(dim=1, keepdim=True)
    scale = torch.where(largest > 0, largest / E4M3_MAXIMUM, torch.ones_like(largest))
    codes = (matrix.float() / scale).clamp(-E4M3_MAXIMUM, E4M3_MAXIMUM).to(torch.float8_e4m3fn)
    return Fp8Tensor(codes, scale)


def dequantize_fp8(tensor: Fp8Tensor) -> Float[Tensor, "rows columns"]:
    """Float32 matrix that the codes stand for."""
    return tensor.codes.float() * tensor.scale
