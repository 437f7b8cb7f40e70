"""What is rounded where inside the Triton kernels."""

from dataclasses import dataclass

import torch
import triton.language as tl


@dataclass(frozen=True)
class Precision:
    """States and sums are float32 in every mode; these are the operands of products and what kernels hand on.

    Attributes:
        operand: of the products over tokens.
        scan_operand: of the product of state and transition.
        steps: of transitions and updates in memory.
        states: of the per-frame states in memory.
        tables: of cosines and sines in calls long enough to repay the conversion: every head reads them again.
        products: Triton's mode for float32 operands.
    """

    operand: torch.dtype
    scan_operand: torch.dtype
    steps: torch.dtype
    states: torch.dtype
    tables: torch.dtype
    products: str


EXACT = Precision(*(torch.float32,) * 5, "ieee")
FAST = Precision(*(torch.bfloat16,) * 4, torch.float16, "tf32")
TYPES = {torch.float32: tl.float32, torch.bfloat16: tl.bfloat16}


def precision_for(dtype: torch.dtype) -> Precision:
    """float32 features are computed exactly, bfloat16 ones with bfloat16 operands.

    Raises:
        TypeError: for any other type.
    """
    if dtype not in TYPES:
        raise TypeError(f"features are {dtype}; the Triton kernels take torch.float32 or torch.bfloat16")
    return EXACT if dtype == torch.float32 else FAST
