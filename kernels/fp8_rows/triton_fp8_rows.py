"""Maximum, division and rounding of a row in registers: one read and one write of half its size."""
# ruff: noqa: ANN001, ANN201, N803 - Triton: no annotations, upper-case constexprs

import triton
import triton.language as tl


@triton.jit
def fp8_rows_kernel(rows, codes, scales, maximum, smallest, CHANNELS: tl.constexpr, BLOCK: tl.constexpr):
    """Program: a row."""
    row = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, BLOCK)
    live = channel < CHANNELS
    values = tl.load(rows + row * CHANNELS + channel, mask=live, other=0.0).to(tl.float32)
    scale = tl.maximum(tl.max(tl.abs(values), 0) / maximum, smallest)
    scaled = tl.minimum(tl.maximum(values / scale, -maximum), maximum)
    tl.store(codes + row * CHANNELS + channel, scaled.to(tl.float8e4nv), mask=live)
    tl.store(scales + row, scale)
