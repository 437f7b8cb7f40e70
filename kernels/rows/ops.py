"""What is done to rows as ``torch.library`` operators.

Those that end in rows return ``rows, codes, scale`` first. ``keep`` and ``quantize`` say which of them are wanted; what
is not is empty. Written by hand a model keeps the rows; a compiled one is rewritten (``kernels.rows.epilogue``).
"""

import torch
import triton
from torch import Tensor

from kernels.gate import Passed
from kernels.rows import reference
from kernels.rows.triton_rows import (
    add_gated_kernel,
    add_modulate_kernel,
    fp8_rows_kernel,
    gated_sum_kernel,
    modulate_kernel,
)
from kernels.rows.types import E4M3_MAXIMUM, SMALLEST_SCALE

WARPS, NORM_WARPS = 4, 2  # fastest of 2, 4, 8 and 16 on an H100; a norm waits for its sums, so fewer
CHECKED_DIM = 112  # they know no heads: the released head size stands for the device
Written = tuple[Tensor, Tensor, Tensor]


@torch.library.custom_op("sana_wm::fp8_rows", mutates_args=())
def fp8_rows(features: Tensor, gated: bool) -> tuple[Tensor, Tensor]:
    """Codes and scales; see ``kernels.rows.api.quantize_rows``."""
    if _refused(features, gated):
        rows = reference.quantize_rows(features)
        return rows.codes, rows.scale
    return launch_fp8_rows(features)


@fp8_rows.register_fake
def _(features: Tensor, gated: bool) -> tuple[Tensor, Tensor]:  # noqa: ARG001 - the operator's schema
    return _outputs(features, keep=False, quantize=True)[1:]


@torch.library.custom_op("sana_wm::modulate", mutates_args=())
def modulate(
    tokens: Tensor, shift: Tensor, scale: Tensor, eps: float, keep: bool, quantize: bool, gated: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """See ``kernels.rows.api.modulate``."""
    if _refused(tokens, gated):
        return _wanted(reference.modulate(tokens, shift, scale, eps), keep, quantize)
    return launch_modulate(tokens, shift, scale, eps, keep, quantize)


@modulate.register_fake
def _(
    tokens: Tensor, shift: Tensor, scale: Tensor, eps: float, keep: bool, quantize: bool, gated: bool  # noqa: ARG001 - the operator's schema
) -> Written:  # fmt: skip
    return _outputs(tokens, keep, quantize)


@torch.library.custom_op("sana_wm::add_modulate", mutates_args=())
def add_modulate(
    tokens: Tensor, update: Tensor, shift: Tensor, scale: Tensor, eps: float, keep: bool, quantize: bool, gated: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The normed rows, their codes and scales, then the sum; see ``kernels.rows.api.add_modulate``."""
    if _refused(tokens, gated):
        total, normed = reference.add_modulate(tokens, update, shift, scale, eps)
        return *_wanted(normed, keep, quantize), total.contiguous()
    return launch_add_modulate(tokens, update, shift, scale, eps, keep, quantize)


@add_modulate.register_fake
def _(
    tokens: Tensor, update: Tensor, shift: Tensor, scale: Tensor, eps: float, keep: bool, quantize: bool, gated: bool  # noqa: ARG001 - the operator's schema
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    return *_outputs(tokens, keep, quantize), tokens.new_empty(tokens.shape)


@torch.library.custom_op("sana_wm::add_gated", mutates_args=())
def add_gated(
    tokens: Tensor, update: Tensor, gate: Tensor, extra: Tensor | None, keep: bool, quantize: bool, gated: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """See ``kernels.rows.api.add_gated``."""
    if _refused(tokens, gated):
        return _wanted(reference.add_gated(tokens, update, gate, extra), keep, quantize)
    return launch_add_gated(tokens, update, gate, extra, keep, quantize)


@add_gated.register_fake
def _(
    tokens: Tensor, update: Tensor, gate: Tensor, extra: Tensor | None, keep: bool, quantize: bool, gated: bool  # noqa: ARG001 - the operator's schema
) -> Written:  # fmt: skip
    return _outputs(tokens, keep, quantize)


@torch.library.custom_op("sana_wm::gated_sum", mutates_args=())
def gated_sum(
    main: Tensor, camera: Tensor | None, gate: Tensor, keep: bool, quantize: bool, gated: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """See ``kernels.rows.api.gated_sum``."""
    if _refused(gate, gated):
        return _wanted(reference.gated_sum(main, camera, gate), keep, quantize)
    return launch_gated_sum(main, camera, gate, keep, quantize)


@gated_sum.register_fake
def _(
    main: Tensor, camera: Tensor | None, gate: Tensor, keep: bool, quantize: bool, gated: bool  # noqa: ARG001 - the operator's schema
) -> Written:  # fmt: skip
    return _outputs(gate, keep, quantize)


def launch_fp8_rows(features: Tensor) -> tuple[Tensor, Tensor]:
    """Run the kernel."""
    _, codes, scale = _outputs(features, keep=False, quantize=True)
    fp8_rows_kernel[scale.shape[0],](
        features.contiguous(), codes, scale, E4M3_MAXIMUM, SMALLEST_SCALE, **_row(features), num_warps=WARPS
    )
    return codes, scale


def launch_modulate(tokens: Tensor, shift: Tensor, scale: Tensor, eps: float, keep: bool, quantize: bool) -> Written:
    """Run the kernel."""
    shift, scale = _by_frame(shift), _by_frame(scale)
    written = _outputs(tokens, keep, quantize)
    modulate_kernel[_count(tokens),](
        tokens.contiguous(), shift, scale, *written, E4M3_MAXIMUM, SMALLEST_SCALE, tokens.shape[2], shift.stride(1),
        scale.stride(1), eps, **_row(tokens), KEEP=keep, QUANTIZE=quantize, num_warps=NORM_WARPS,
    )  # fmt: skip
    return written


def launch_add_modulate(
    tokens: Tensor, update: Tensor, shift: Tensor, scale: Tensor, eps: float, keep: bool, quantize: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Run the kernel."""
    shift, scale = _by_frame(shift), _by_frame(scale)
    written, total = _outputs(tokens, keep, quantize), tokens.new_empty(tokens.shape)
    add_modulate_kernel[_count(tokens),](
        tokens.contiguous(), update.contiguous(), shift, scale, total, *written, E4M3_MAXIMUM, SMALLEST_SCALE,
        tokens.shape[2], shift.stride(1), scale.stride(1), eps, **_row(tokens), KEEP=keep, QUANTIZE=quantize,
        num_warps=NORM_WARPS,
    )  # fmt: skip
    return *written, total


def launch_add_gated(
    tokens: Tensor, update: Tensor, gate: Tensor, extra: Tensor | None, keep: bool, quantize: bool
) -> Written:
    """Run the kernel."""
    gate, written = _by_frame(gate), _outputs(tokens, keep, quantize)
    added = tokens if extra is None else extra.contiguous()
    add_gated_kernel[_count(tokens),](
        tokens.contiguous(), update.contiguous(), gate, added, *written, E4M3_MAXIMUM, SMALLEST_SCALE, tokens.shape[2],
        gate.stride(1), **_row(tokens), EXTRA=extra is not None, KEEP=keep, QUANTIZE=quantize, num_warps=WARPS,
    )  # fmt: skip
    return written


def launch_gated_sum(main: Tensor, camera: Tensor | None, gate: Tensor, keep: bool, quantize: bool) -> Written:
    """Run the kernel; heads may lie anywhere as long as the tokens of one are at one distance."""
    _, _, frames, space, dim = main.shape
    if main.stride(4) != 1 or main.stride(2) != space * main.stride(3):
        main = main.contiguous()
    written = _outputs(gate, keep, quantize)
    added = gate if camera is None else camera.contiguous()
    gated_sum_kernel[_count(gate),](
        main, added, gate.contiguous(), *written, E4M3_MAXIMUM, SMALLEST_SCALE, frames * space, main.stride(0),
        main.stride(1), main.stride(3), DIM=dim, **_row(gate), CAMERA=camera is not None, KEEP=keep, QUANTIZE=quantize,
        num_warps=WARPS,
    )  # fmt: skip
    return written


def _refused(features: Tensor, gated: bool) -> bool:
    return gated and not Passed.on(features.device, CHECKED_DIM)


def _outputs(like: Tensor, keep: bool, quantize: bool) -> Written:
    """Memory for rows shaped ``like`` these, for their codes and for their scales; empty where not wanted."""
    rows = _count(like) if quantize else 0
    kept = like.new_empty(like.shape if keep else (0,))
    codes = like.new_empty((rows, like.shape[-1]), dtype=torch.float8_e4m3fn)
    return kept, codes, like.new_empty((rows, 1), dtype=torch.float32)


def _wanted(rows: Tensor, keep: bool, quantize: bool) -> Written:
    """The reference's rows as an operator returns them."""
    nothing, codes, scale = _outputs(rows, keep=False, quantize=False)
    if quantize:
        held = reference.quantize_rows(rows)
        codes, scale = held.codes, held.scale
    return rows.contiguous() if keep else nothing, codes, scale


def _count(tokens: Tensor) -> int:
    return tokens.numel() // tokens.shape[-1]


def _row(tokens: Tensor) -> dict[str, int]:
    """A row's channels, and the power of two that holds them."""
    return {"CHANNELS": tokens.shape[-1], "BLOCK": triton.next_power_of_2(tokens.shape[-1])}


def _by_frame(vectors: Tensor) -> Tensor:
    """Vectors that lie one after another at one distance over batch and frames: six of a frame often share a table."""
    batch, frames, _ = vectors.shape
    even = vectors.stride(2) == 1 and (batch == 1 or vectors.stride(0) == frames * vectors.stride(1))
    return vectors if even else vectors.contiguous()
