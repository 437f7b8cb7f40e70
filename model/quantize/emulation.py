"""Run a model as a device with NVFP4 operands would: activations are rounded where their layer's weight is packed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from model.quantize.nvfp4 import round_trip_nvfp4


@contextmanager
def rounded_activations(model: nn.Module, chosen: Sequence[str]) -> Iterator[None]:
    """Within the context, the input of every chosen layer is quantized to NVFP4 with dynamic calibration and decoded.

    Args:
        model: the model whose weights were already replaced by decoded ones.
        chosen: weight keys, each ``<module>.weight``.
    """
    modules = dict(model.named_modules())
    handles = [modules[key.removesuffix(".weight")].register_forward_pre_hook(_round_input) for key in chosen]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _round_input(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    first, *others = inputs
    if isinstance(module, nn.Conv2d | nn.Conv3d):  # a 1x1 convolution's channels are not its last axis
        return (round_trip_nvfp4(first.movedim(1, -1)).movedim(-1, 1), *others)
    return (round_trip_nvfp4(first), *others)
