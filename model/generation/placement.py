"""Where a backbone runs and in which precision: bfloat16 at its doors, blocks that visit the device one by one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor, nn

from data_contracts.errors import ErrorCode, InputError
from model.backbone import SanaWM
from model.quantize.fp8_linear import to_fp8


class Precision(StrEnum):
    """Type of weights and tokens. States, norms, gates and ray transforms are float32 in all of them.

    ``fp8`` is ``bf16`` with the large products but those of the camera branch in FP8 (``model.quantize.fp8_linear``).
    """

    FP32 = "fp32"
    BF16 = "bf16"
    FP8 = "fp8"

    @property
    def dtype(self) -> torch.dtype:
        """That of tokens, as torch calls it."""
        return torch.float32 if self is Precision.FP32 else torch.bfloat16


@dataclass(frozen=True)
class Placement:
    """Where and how a checkpoint runs.

    Attributes:
        device: of tokens and states.
        precision: of weights and tokens.
        offload: keep the blocks' weights in host memory and bring each to the device for its own call.
    """

    device: torch.device
    precision: Precision = Precision.FP32
    offload: bool = False

    @classmethod
    def best(cls, precision: Precision = Precision.FP32, offload: bool = False) -> "Placement":
        """The GPU where there is one, else the CPU.

        Raises:
            InputError: offload without a GPU.
        """
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if offload and device.type == "cpu":
            message = "--offload needs a GPU: on a CPU the weights are in host memory already"
            raise InputError(ErrorCode.REQUEST_INVALID, message, "leave --offload out")
        if offload and precision is Precision.FP8:
            message = "--precision fp8 does not go with --offload: its weights stay on the GPU"
            raise InputError(ErrorCode.REQUEST_INVALID, message, "pass bf16, or leave --offload out")
        return cls(device, precision, offload)


def place(model: SanaWM, placement: Placement) -> None:
    """Cast and move a backbone. Callers go on passing float32 and get float32 velocities."""
    model.to(placement.precision.dtype)
    if placement.precision is not Precision.FP32:
        _convert_at_the_doors(model)
    if not placement.offload:
        model.to(placement.device)
        if placement.precision is Precision.FP8:
            to_fp8(model)
        return
    for name, child in model.named_children():
        if name != "blocks":
            child.to(placement.device)
    for block in model.blocks:
        VisitingBlock(block, placement.device)


class VisitingBlock:
    """Brings the weights of one block to the device for the time of its call; nothing is copied back.

    Args:
        block: on the CPU; stays there between calls.
        device: where its inputs are.
    """

    def __init__(self, block: nn.Module, device: torch.device) -> None:
        self._device = device
        pinned = device.type == "cuda"
        self._home = {
            parameter: parameter.data.pin_memory() if pinned else parameter.data for parameter in block.parameters()
        }
        self._settle()
        block.register_forward_pre_hook(self._arrive)
        block.register_forward_hook(self._leave, always_call=True)

    def _arrive(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:  # noqa: ARG002 - signature of a hook
        for parameter, home in self._home.items():
            parameter.data = home.to(self._device, non_blocking=True)

    def _leave(self, module: nn.Module, inputs: tuple[Any, ...], output: object) -> None:  # noqa: ARG002 - as above
        self._settle()

    def _settle(self) -> None:
        for parameter, home in self._home.items():
            parameter.data = home


def _convert_at_the_doors(model: SanaWM) -> None:
    """Latents, captions and raymaps come in as the weights' type; the velocity goes out as float32.

    Poses and intrinsics do not pass these doors and stay float32.
    """
    doors: list[nn.Module] = [model.x_embedder, model.y_embedder]
    if model.config.camera_branch:
        doors.append(model.plucker_embedder)
    for door in doors:
        door.register_forward_pre_hook(_to_weights)
    model.final_layer.register_forward_hook(_to_float32)


def _to_weights(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    dtype = next(module.parameters()).dtype
    return tuple(one.to(dtype) for one in inputs)


def _to_float32(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:  # noqa: ARG001 - as above
    return output.float()
