"""A row in registers, a program a row: operands are read once, the result is written as it is, in FP8 or both."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917 - Triton: no annotations, upper-case constexprs

import triton
import triton.language as tl


@triton.jit
def load_row(rows, row, channel, live, CHANNELS: tl.constexpr):
    """A row in float32, zeros beyond its end."""
    return tl.load(rows + row * CHANNELS + channel, mask=live, other=0.0).to(tl.float32)


@triton.jit
def load_vector(vectors, frame, stride, channel, live):
    """A frame's vector in float32, zeros beyond its end."""
    return tl.load(vectors + frame * stride + channel, mask=live, other=0.0).to(tl.float32)


@triton.jit
def write_row(
    values, row, channel, live, kept, codes, scales, maximum, smallest,
    CHANNELS: tl.constexpr, KEEP: tl.constexpr, QUANTIZE: tl.constexpr,
):  # fmt: skip
    """Rounds a row; the codes are those of the rounded row, so that fusing the quantization changes no bit."""
    rounded = values.to(kept.dtype.element_ty)
    if KEEP:
        tl.store(kept + row * CHANNELS + channel, rounded, mask=live)
    if QUANTIZE:
        again = rounded.to(tl.float32)
        scale = tl.maximum(tl.max(tl.abs(again), 0) / maximum, smallest)
        scaled = tl.minimum(tl.maximum(again / scale, -maximum), maximum)
        tl.store(codes + row * CHANNELS + channel, scaled.to(tl.float8e4nv), mask=live)
        tl.store(scales + row, scale)


@triton.jit
def normed_row(
    values, row, space, shift, scale, shift_stride, scale_stride, eps, channel, live, CHANNELS: tl.constexpr
):
    """Layer norm, then the frame's scale and shift; mean and variance are those of the float32 row."""
    frame = row // space
    offset = tl.where(live, values - tl.sum(values, 0) / CHANNELS, 0.0)
    normed = offset / tl.sqrt(tl.sum(offset * offset, 0) / CHANNELS + eps)
    factor = 1.0 + load_vector(scale, frame, scale_stride, channel, live)
    return normed * factor + load_vector(shift, frame, shift_stride, channel, live)


@triton.jit
def fp8_rows_kernel(rows, codes, scales, maximum, smallest, CHANNELS: tl.constexpr, BLOCK: tl.constexpr):
    """Codes and scale of a row."""
    row = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, BLOCK)
    live = channel < CHANNELS
    values = load_row(rows, row, channel, live, CHANNELS)
    write_row(values, row, channel, live, rows, codes, scales, maximum, smallest, CHANNELS, False, True)


@triton.jit
def modulate_kernel(
    tokens, shift, scale, kept, codes, scales, maximum, smallest, space, shift_stride, scale_stride, eps,
    CHANNELS: tl.constexpr, BLOCK: tl.constexpr, KEEP: tl.constexpr, QUANTIZE: tl.constexpr,
):  # fmt: skip
    """Modulated layer norm of a row."""
    row = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, BLOCK)
    live = channel < CHANNELS
    values = load_row(tokens, row, channel, live, CHANNELS)
    normed = normed_row(values, row, space, shift, scale, shift_stride, scale_stride, eps, channel, live, CHANNELS)
    write_row(normed, row, channel, live, kept, codes, scales, maximum, smallest, CHANNELS, KEEP, QUANTIZE)


@triton.jit
def add_modulate_kernel(
    tokens, update, shift, scale, total, kept, codes, scales, maximum, smallest, space, shift_stride, scale_stride, eps,
    CHANNELS: tl.constexpr, BLOCK: tl.constexpr, KEEP: tl.constexpr, QUANTIZE: tl.constexpr,
):  # fmt: skip
    """The sum, and the modulated layer norm of the sum as it is written."""
    row = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, BLOCK)
    live = channel < CHANNELS
    added = load_row(tokens, row, channel, live, CHANNELS) + load_row(update, row, channel, live, CHANNELS)
    rounded = added.to(total.dtype.element_ty)
    tl.store(total + row * CHANNELS + channel, rounded, mask=live)
    values = rounded.to(tl.float32)
    normed = normed_row(values, row, space, shift, scale, shift_stride, scale_stride, eps, channel, live, CHANNELS)
    write_row(normed, row, channel, live, kept, codes, scales, maximum, smallest, CHANNELS, KEEP, QUANTIZE)


@triton.jit
def add_gated_kernel(
    tokens, update, gate, extra, kept, codes, scales, maximum, smallest, space, gate_stride,
    CHANNELS: tl.constexpr, BLOCK: tl.constexpr, EXTRA: tl.constexpr, KEEP: tl.constexpr, QUANTIZE: tl.constexpr,
):  # fmt: skip
    """A row of the residual stream, its gated update and what else is added."""
    row = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, BLOCK)
    live = channel < CHANNELS
    values = load_row(tokens, row, channel, live, CHANNELS)
    gated = load_vector(gate, row // space, gate_stride, channel, live)
    values += gated * load_row(update, row, channel, live, CHANNELS)
    if EXTRA:
        values += load_row(extra, row, channel, live, CHANNELS)
    write_row(values, row, channel, live, kept, codes, scales, maximum, smallest, CHANNELS, KEEP, QUANTIZE)


@triton.jit
def gated_sum_kernel(
    main, camera, gate, kept, codes, scales, maximum, smallest, tokens, batch_stride, head_stride, token_stride,
    DIM: tl.constexpr, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
    CAMERA: tl.constexpr, KEEP: tl.constexpr, QUANTIZE: tl.constexpr,
):  # fmt: skip
    """The main branch's heads side by side, the camera branch added, times the gate's SiLU."""
    row = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, BLOCK)
    live = channel < CHANNELS
    main += (row // tokens) * batch_stride + (row % tokens) * token_stride
    values = tl.load(main + (channel // DIM) * head_stride + channel % DIM, mask=live, other=0.0).to(tl.float32)
    if CAMERA:
        values += load_row(camera, row, channel, live, CHANNELS)
    gating = load_row(gate, row, channel, live, CHANNELS)
    values *= gating * tl.sigmoid(gating)
    write_row(values, row, channel, live, kept, codes, scales, maximum, smallest, CHANNELS, KEEP, QUANTIZE)
