"""Which implementation of a kernel runs. Named in one place; an unknown name is an error, never a fallback."""

import logging
from collections.abc import Iterable
from enum import StrEnum

import torch
from torch import Tensor

_LOGGER = logging.getLogger(__name__)
FEATURE_TYPES = (torch.float32, torch.bfloat16)
ROWS = ("fp8_rows", "modulate", "add_modulate", "add_gated", "gated_sum")
WITHOUT_GRADIENTS = ("frame_gdn_summary", "camera_gdn_summary", "glu_conv", *ROWS)


class Backend(StrEnum):
    """The implementations there are.

    ``reference`` is the equation in plain PyTorch, on any device. ``triton`` is the fused kernel, with first
    derivatives, on CUDA devices, or on a CPU under Triton's interpreter (``TRITON_INTERPRET=1`` before Python starts).
    ``auto`` is ``triton`` where it can run and has passed its self-check on the device, else ``reference``.
    """

    AUTO = "auto"
    REFERENCE = "reference"
    TRITON = "triton"


class UnknownBackendError(ValueError):
    """A backend that does not exist."""


class KernelUnavailableError(RuntimeError):
    """The Triton kernel was asked for by name where it cannot run."""


def parse_backend(name: str) -> Backend:
    """The backend called ``name``.

    Raises:
        UnknownBackendError: naming the backends there are.
    """
    try:
        return Backend(name)
    except ValueError as error:
        known = ", ".join(backend.value for backend in Backend)
        raise UnknownBackendError(f"backend {name!r} is unknown; known: {known}") from error


@torch.compiler.assume_constant_result
def interpreting() -> bool:
    """Whether Triton kernels run in this process as plain Python, on CPU tensors."""
    import triton

    return bool(triton.knobs.runtime.interpret)


def choose(backend: Backend, kernel: str, tensors: Iterable[Tensor]) -> Backend:
    """``reference`` or ``triton`` for this call.

    Args:
        backend: what was asked for.
        kernel: for messages.
        tensors: the features of the call.

    Raises:
        KernelUnavailableError: if ``triton`` was asked for by name and cannot run: it never falls back.
    """
    if backend is Backend.REFERENCE:
        return backend
    reason = _obstacle(kernel, list(tensors))
    if backend is Backend.TRITON:
        if reason:
            raise KernelUnavailableError(f"kernel {kernel!r} cannot run on Triton: {reason}; use backend 'reference'")
        return backend
    return Backend.REFERENCE if reason else Backend.TRITON


def _obstacle(kernel: str, tensors: list[Tensor]) -> str:
    """Why the Triton kernels cannot take these tensors; empty if they can."""
    first = tensors[0]
    if kernel in WITHOUT_GRADIENTS and torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        return "they compute no gradients and an input requires one"
    if first.dtype not in FEATURE_TYPES:
        return f"features are {first.dtype}, not torch.float32 or torch.bfloat16"
    if first.device.type == "cpu":
        return "" if interpreting() else "features are on the CPU and TRITON_INTERPRET=1 is not set"
    return "" if first.device.type == "cuda" else f"features are on {first.device}"
