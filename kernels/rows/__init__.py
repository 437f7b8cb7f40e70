"""What happens to rows of tokens between two matrix products: sums, modulated norms, gates, and their quantization."""

from kernels.rows.api import add_gated, add_modulate, gated_sum, modulate, quantize_rows
from kernels.rows.types import Fp8Rows

__all__ = ["Fp8Rows", "add_gated", "add_modulate", "gated_sum", "modulate", "quantize_rows"]
