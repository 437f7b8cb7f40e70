"""Floors of a call: its matrix arithmetic at the rate of a large matrix product on the same device."""

import statistics
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

SQUARE, ROUNDS, PRODUCTS = 8192, 5, 10


def operations(call: Callable[[], object]) -> int:
    """Floating-point operations of the matrix products, convolutions and attentions of a call; our scans are not in."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def product_rate(device: torch.device, dtype: torch.dtype, side: int = SQUARE) -> float:
    """Operations a second of one large matrix product: the median of a few rounds."""
    left, right = torch.randn(2, side, side, device=device, dtype=dtype)
    rates = []
    for _ in range(ROUNDS):
        _wait(device)
        began = time.perf_counter()
        for _ in range(PRODUCTS):
            left @ right
        _wait(device)
        rates.append(2 * side**3 * PRODUCTS / (time.perf_counter() - began))
    return statistics.median(rates)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
