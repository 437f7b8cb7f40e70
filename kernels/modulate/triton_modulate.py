"""Layer norm, scale and shift of a row in registers: one read and one write."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917 - Triton: no annotations, upper-case constexprs

import triton
import triton.language as tl


@triton.jit
def modulate_kernel(
    tokens, shift, scale, output, space, shift_stride, scale_stride, eps, CHANNELS: tl.constexpr, BLOCK: tl.constexpr
):
    """Program: a row. The mean and the variance are those of the float32 row, as in a layer norm of its own."""
    row = tl.program_id(0).to(tl.int64)
    frame = row // space
    channel = tl.arange(0, BLOCK)
    live = channel < CHANNELS
    values = tl.load(tokens + row * CHANNELS + channel, mask=live, other=0.0).to(tl.float32)
    offset = tl.where(live, values - tl.sum(values, 0) / CHANNELS, 0.0)
    variance = tl.sum(offset * offset, 0) / CHANNELS
    factor = 1.0 + tl.load(scale + frame * scale_stride + channel, mask=live, other=0.0).to(tl.float32)
    added = tl.load(shift + frame * shift_stride + channel, mask=live, other=0.0).to(tl.float32)
    normed = offset / tl.sqrt(variance + eps)
    tl.store(output + row * CHANNELS + channel, normed * factor + added, mask=live)
