"""Whether a device may run the Triton kernels: its architecture is known, and a small problem comes out right on it."""

import logging
from functools import lru_cache

import torch

from kernels.backend import Backend, interpreting
from kernels.launch import capability_of

_LOGGER = logging.getLogger(__name__)
LEAST_CAPABILITY = 80
TOLERANCE = 1e-2


class Passed:
    """The verdict on each device, kept for the life of the process."""

    @staticmethod
    @lru_cache(maxsize=64)
    def on(device: torch.device, dim: int) -> bool:
        """Whether the kernels are used on ``device`` for heads of ``dim`` channels; a refusal is logged, once."""
        reason = _refusal(device, dim)
        if reason:
            _LOGGER.warning("Triton kernels are off on %s, the reference runs instead: %s", device, reason)
        return not reason


@torch.compiler.assume_constant_result
def _passed(device: torch.device, dim: int) -> bool:
    return Passed.on(device, dim)


def usable(backend: Backend, features: torch.Tensor, dim: int) -> bool:
    """Whether a call that may run on Triton does: asked for by name always, else where the device has passed."""
    return backend is Backend.TRITON or _passed(features.device, dim)


def _refusal(device: torch.device, dim: int) -> str:
    if device.type == "cpu":
        return "" if interpreting() else "they need a GPU or Triton's interpreter"
    if capability_of(device) < LEAST_CAPABILITY:
        return f"compute capability {capability_of(device)} is under {LEAST_CAPABILITY}"
    if torch.cuda.is_current_stream_capturing():
        return "a CUDA graph was captured before the self-check; run the model once before capturing"
    try:
        from kernels.self_check import largest_error

        error = largest_error(device, dim)
    except Exception as problem:  # whatever a driver, compiler or card of the future raises, the model still runs
        return f"the self-check failed: {type(problem).__name__}: {problem}"
    return "" if error <= TOLERANCE else f"the self-check is off by {error:.1e}, more than {TOLERANCE:.0e}"
