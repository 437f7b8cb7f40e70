"""The quantization of rows as a ``torch.library`` operator."""

import torch
import triton
from torch import Tensor

from kernels.fp8_rows import reference
from kernels.fp8_rows.triton_fp8_rows import fp8_rows_kernel
from kernels.fp8_rows.types import E4M3_MAXIMUM, SMALLEST_SCALE
from kernels.gate import Passed

WARPS = 4
CHECKED_DIM = 112  # it knows no heads: the released head size stands for the device


@torch.library.custom_op("sana_wm::fp8_rows", mutates_args=())
def fp8_rows(features: Tensor, gated: bool) -> tuple[Tensor, Tensor]:
    """Codes and scales; see ``kernels.fp8_rows.api.quantize_rows``."""
    if gated and not Passed.on(features.device, CHECKED_DIM):
        rows = reference.quantize_rows(features)
        return rows.codes, rows.scale
    return launch(features)


@fp8_rows.register_fake
def _(features: Tensor, gated: bool) -> tuple[Tensor, Tensor]:  # noqa: ARG001 - the operator's schema
    rows = features.numel() // features.shape[-1]
    codes = features.new_empty((rows, features.shape[-1]), dtype=torch.float8_e4m3fn)
    return codes, features.new_empty((rows, 1), dtype=torch.float32)


def launch(features: Tensor) -> tuple[Tensor, Tensor]:
    """Run the kernel, one program a row."""
    rows = features.contiguous().flatten(0, -2)
    count, channels = rows.shape
    codes = torch.empty(count, channels, dtype=torch.float8_e4m3fn, device=rows.device)
    scale = torch.empty(count, 1, dtype=torch.float32, device=rows.device)
    fp8_rows_kernel[count,](
        rows, codes, scale, E4M3_MAXIMUM, SMALLEST_SCALE,
        CHANNELS=channels, BLOCK=triton.next_power_of_2(channels), num_warps=WARPS,
    )  # fmt: skip
    return codes, scale
