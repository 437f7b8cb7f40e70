"""NVFP4: ``value = code(E2M1) * block_scale(E4M3) * tensor_scale(FP32)``, blocks of 16 along the last axis.

Emulated exactly: codes and scales are the ones a device would hold. Rounding is to nearest, ties to the even code, and
saturates at 6; the *rounded* block scale is what values are divided by. A block whose scale rounds to zero (all its
values are zero, or below the smallest E4M3 number) becomes zeros.
"""

from dataclasses import dataclass
from math import ceil

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

BLOCK = 16
E2M1_VALUES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
E2M1_MAXIMUM = 6.0
E4M3_MAXIMUM = 448.0
# Halfway points between neighbouring codes. At a tie the even code wins, so it belongs to the upper code exactly when
# the lower one is odd.
_MIDPOINTS = (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0)


@dataclass(frozen=True)
class Nvfp4Tensor:
    """A packed matrix.

    Attributes:
        packed: two codes a byte, element ``2j`` in the low nibble, bit 3 of a nibble is the sign; row-major.
        block_scale: one E4M3 factor a block, row-major, multiplied when decoding.
        tensor_scale: one FP32 factor (shape ()), multiplied when decoding.
        columns: width before padding to whole blocks.
    """

    packed: UInt8[Tensor, "rows half_columns"]
    block_scale: Tensor  # float8_e4m3fn [rows, blocks]; jaxtyping has no checked name for E4M3
    tensor_scale: Float[Tensor, ""]
    columns: int


def encode_e2m1(values: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Codes 0..15 of the nearest E2M1 numbers (ties to even, saturating at 6)."""
    magnitude = values.abs()
    code = torch.zeros(values.shape, dtype=torch.uint8, device=values.device)
    for lower_code, midpoint in enumerate(_MIDPOINTS):
        passed = magnitude >= midpoint if lower_code % 2 else magnitude > midpoint
        code += passed.to(torch.uint8)
    return code | (torch.signbit(values).to(torch.uint8) << 3)


def decode_e2m1(codes: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Float32 values of E2M1 codes."""
    table = torch.tensor([*E2M1_VALUES, *(-value for value in E2M1_VALUES)], device=codes.device)
    return table[codes.long()]


def quantize_nvfp4(matrix: Float[Tensor, "rows columns"], amax: Float[Tensor, ""] | None = None) -> Nvfp4Tensor:
    """Pack a matrix; ``amax`` overrides the per-tensor calibration (the largest magnitude).

    Raises:
        ValueError: a value is not finite, or the matrix is empty.
    """
    if matrix.numel() == 0 or not bool(torch.isfinite(matrix).all()):
        raise ValueError(f"NVFP4 needs a non-empty, finite matrix; got shape {tuple(matrix.shape)}")
    rows, columns = matrix.shape
    blocks = ceil(columns / BLOCK)
    padded = torch.nn.functional.pad(matrix.float(), (0, blocks * BLOCK - columns)).reshape(rows, blocks, BLOCK)
    largest = padded.abs().amax() if amax is None else amax.float()
    tensor_scale = torch.where(largest > 0, largest / (E4M3_MAXIMUM * E2M1_MAXIMUM), torch.ones_like(largest))
    wanted = padded.abs().amax(dim=-1) / E2M1_MAXIMUM / tensor_scale
    block_scale = wanted.clamp(max=E4M3_MAXIMUM).to(torch.float8_e4m3fn)
    factor = (block_scale.float() * tensor_scale)[..., None]
    scaled = torch.where(factor > 0, padded / torch.where(factor > 0, factor, 1.0), torch.zeros_like(padded))
    codes = encode_e2m1(scaled).reshape(rows, blocks * BLOCK)
    packed = codes[:, 0::2] | (codes[:, 1::2] << 4)
    return Nvfp4Tensor(packed, block_scale, tensor_scale, columns)


def dequantize_nvfp4(tensor: Nvfp4Tensor) -> Float[Tensor, "rows columns"]:
    """Float32 matrix that the packed one stands for."""
    codes = torch.stack((tensor.packed & 0xF, tensor.packed >> 4), dim=-1).flatten(1)
    factor = tensor.block_scale.float() * tensor.tensor_scale
    values = decode_e2m1(codes).unflatten(1, (-1, BLOCK)) * factor[..., None]
    return values.flatten(1)[:, : tensor.columns]


def round_trip_nvfp4(values: Float[Tensor, "*shape channels"]) -> Float[Tensor, "*shape channels"]:
    """What activations become with dynamic per-tensor calibration: quantize and decode along the last axis."""
    return dequantize_nvfp4(quantize_nvfp4(values.flatten(0, -2))).reshape(values.shape).to(values.dtype)
