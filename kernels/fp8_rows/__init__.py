"""Rows scaled to the range of FP8 (E4M3) and rounded, each by its own maximum."""

from kernels.fp8_rows.api import quantize_rows
from kernels.fp8_rows.types import Fp8Rows

__all__ = ["Fp8Rows", "quantize_rows"]
