"""Whether a device may run the Triton backward kernels: the forward may, and small gradients come out right on it."""

import logging
from functools import lru_cache

import torch
from torch import Tensor

from kernels.gate import Passed

_LOGGER = logging.getLogger(__name__)
TOLERANCE = 2e-2


class BackwardPassed:
    """The verdict on each device, kept for the life of the process."""

    @staticmethod
    @lru_cache(maxsize=64)
    def on(device: torch.device, dim: int) -> bool:
        """Whether gradients are computed by Triton on ``device`` for heads of ``dim`` channels."""
        if not Passed.on(device, dim):
            return False
        if device.type == "cpu":  # interpreted: only on request, and compared in the tests
            return True
        reason = _refusal(device, dim)
        if reason:
            _LOGGER.warning("Triton gradients are off on %s, plain PyTorch's run instead: %s", device, reason)
        return not reason


def fused(gated: bool, features: Tensor, dim: int) -> bool:
    """Whether this call's gradients are Triton's: always if it was asked for by name, else where the device passed."""
    return not gated or BackwardPassed.on(features.device, dim)


def _refusal(device: torch.device, dim: int) -> str:
    if torch.cuda.is_current_stream_capturing():
        return "a CUDA graph was captured before the self-check; train one step before capturing"
    try:
        from kernels.self_check_backward import largest_gradient_error

        error = largest_gradient_error(device, dim)
    except Exception as problem:  # whatever a driver, compiler or card of the future raises, training still runs
        return f"the self-check failed: {type(problem).__name__}: {problem}"
    return "" if error <= TOLERANCE else f"the self-check is off by {error:.1e}, more than {TOLERANCE:.0e}"
