"""SiLU, depthwise 3x3 and gate in one pass over memory, row after row of a frame."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917 - Triton: no annotations, upper-case constexprs, many pointers

import triton
import triton.language as tl


@triton.jit
def silu(values, FAST: tl.constexpr):
    """``x sigmoid(x)``; fast: ``x/2 (1 + tanh(x/2))`` with the hardware's tanh, good to 2^-11 (bfloat16: 2^-9)."""
    if FAST:
        half = 0.5 * values
        tanh = tl.inline_asm_elementwise(
            "tanh.approx.f32 $0, $1;", "=f,f", [half], dtype=tl.float32, is_pure=True, pack=1
        )
        return half + half * tanh
    return values * tl.sigmoid(values)


@triton.jit
def shifted(row, x, shift, width, both, channel, mask, FAST: tl.constexpr):
    """SiLU of a row's columns ``x + shift``; zeros beyond its ends."""
    at = x + shift
    live = mask & ((at >= 0) & (at < width))[:, None]
    return silu(tl.load(row + at[:, None] * both + channel[None, :], mask=live, other=0.0).to(tl.float32), FAST)


@triton.jit
def row_taps(left, center, right, taps, channel, both, live, ROW: tl.constexpr):
    """A row's share of the output row that sees it with row ``ROW`` of the kernel."""
    first = tl.load(taps + (3 * ROW) * both + channel, mask=live, other=0.0).to(tl.float32)
    second = tl.load(taps + (3 * ROW + 1) * both + channel, mask=live, other=0.0).to(tl.float32)
    third = tl.load(taps + (3 * ROW + 2) * both + channel, mask=live, other=0.0).to(tl.float32)
    return left * first[None, :] + center * second[None, :] + right * third[None, :]


@triton.jit
def next_row(row, x, width, both, channel, live, inside, taps, above, here, FAST: tl.constexpr):
    """Read a row: the finished sum of the output row above it, and the sums that still wait for rows below."""
    mask = live[None, :] & inside
    left = shifted(row, x, -1, width, both, channel, mask, FAST)
    center = shifted(row, x, 0, width, both, channel, mask, FAST)
    right = shifted(row, x, 1, width, both, channel, mask, FAST)
    finished = above + row_taps(left, center, right, taps, channel, both, live, 2)
    above = here + row_taps(left, center, right, taps, channel, both, live, 1)
    return finished, above, row_taps(left, center, right, taps, channel, both, live, 0)


@triton.jit
def glu_conv_kernel(
    wide, taps, bias, output, height, width, channels,
    COLUMNS: tl.constexpr, CHANNELS: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    """Program (channels of the output, columns, batch x frame): every row is read once and feeds three output rows."""
    channel = tl.program_id(0) * CHANNELS + tl.arange(0, CHANNELS)
    x = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    image = tl.program_id(2).to(tl.int64)
    both = 2 * channels
    live = channel < channels
    wide += image * height * width * both
    output += image * height * width * channels
    stored = live[None, :] & (x < width)[:, None]
    content_bias = tl.load(bias + channel, mask=live, other=0.0).to(tl.float32)
    gate_bias = tl.load(bias + channels + channel, mask=live, other=0.0).to(tl.float32)
    none = tl.zeros((COLUMNS, CHANNELS), tl.float32)
    content_above, content_here, gate_above, gate_here = none, none, none, none
    for y in range(height + 1):
        row, inside = wide + y * width * both, y < height
        content, content_above, content_here = next_row(
            row, x, width, both, channel, live, inside, taps, content_above, content_here, FAST
        )
        gate, gate_above, gate_here = next_row(
            row, x, width, both, channel + channels, live, inside, taps, gate_above, gate_here, FAST
        )
        result = (content + content_bias[None, :]) * silu(gate + gate_bias[None, :], FAST)
        where = output + (y - 1) * width * channels + x[:, None] * channels + channel[None, :]
        tl.store(where, result.to(output.dtype.element_ty), mask=stored & (y > 0))
