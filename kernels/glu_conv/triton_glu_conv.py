"""SiLU, depthwise 3x3 and gate in one pass over memory: strips of five columns, row after row of a frame.

A strip reads two columns beside its own, so that a SiLU is computed 7 / 5 times, where columns alone need 3.
"""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917 - Triton: no annotations, upper-case constexprs

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
def activated(row, column, width, both, channel, mask, FAST: tl.constexpr):
    """SiLU of a row's column; zeros beyond its ends."""
    live = mask & (column >= 0) & (column < width)
    return silu(tl.load(row + column * both + channel, mask=live, other=0.0).to(tl.float32), FAST)


@triton.jit
def tap(taps, index, both, channel, live):
    """One tap of every channel."""
    return tl.load(taps + index * both + channel, mask=live, other=0.0).to(tl.float32)


@triton.jit
def glu_conv_kernel(
    wide, taps, bias, output, height, width, channels, CHANNELS: tl.constexpr, FAST: tl.constexpr
):  # fmt: skip
    """Program (channels of the output, strip, batch x frame): every row is read once and feeds three output rows.

    The compiler counts only over tuples written out: hence the columns 0 to 4, and 0 to 6 with both neighbours.
    Taps are loaded before the rows: inside, the store of a row would make the compiler load them anew for every row.
    """
    channel = tl.program_id(0) * CHANNELS + tl.arange(0, CHANNELS)
    first = tl.program_id(1) * 5
    image = tl.program_id(2).to(tl.int64)
    both = 2 * channels
    live = channel < channels
    gating = channel + channels
    wide += image * height * width * both
    output += image * height * width * channels + channel
    content_bias = tap(bias, 0, both, channel, live)
    gate_bias = tap(bias, 0, both, gating, live)
    c = [tap(taps, index, both, channel, live) for index in (0, 1, 2, 3, 4, 5, 6, 7, 8)]
    g = [tap(taps, index, both, gating, live) for index in (0, 1, 2, 3, 4, 5, 6, 7, 8)]
    # Sums of output rows that wait for rows below: of the row above the one read, and of the row read itself.
    zero = tl.zeros((CHANNELS,), tl.float32)
    content_above = [zero for _ in (0, 1, 2, 3, 4)]
    content_here = [zero for _ in (0, 1, 2, 3, 4)]
    gate_above = [zero for _ in (0, 1, 2, 3, 4)]
    gate_here = [zero for _ in (0, 1, 2, 3, 4)]
    for y in range(height + 1):
        row, mask = wide + y * width * both, live & (y < height)
        s = [activated(row, first + x - 1, width, both, channel, mask, FAST) for x in (0, 1, 2, 3, 4, 5, 6)]
        content = [
            content_above[x] + c[6] * s[x] + c[7] * s[x + 1] + c[8] * s[x + 2] + content_bias for x in (0, 1, 2, 3, 4)
        ]
        content_above = [content_here[x] + c[3] * s[x] + c[4] * s[x + 1] + c[5] * s[x + 2] for x in (0, 1, 2, 3, 4)]
        content_here = [c[0] * s[x] + c[1] * s[x + 1] + c[2] * s[x + 2] for x in (0, 1, 2, 3, 4)]
        s = [activated(row, first + x - 1, width, both, gating, mask, FAST) for x in (0, 1, 2, 3, 4, 5, 6)]
        gate = [gate_above[x] + g[6] * s[x] + g[7] * s[x + 1] + g[8] * s[x + 2] + gate_bias for x in (0, 1, 2, 3, 4)]
        gate_above = [gate_here[x] + g[3] * s[x] + g[4] * s[x + 1] + g[5] * s[x + 2] for x in (0, 1, 2, 3, 4)]
        gate_here = [g[0] * s[x] + g[1] * s[x + 1] + g[2] * s[x + 2] for x in (0, 1, 2, 3, 4)]
        for x in tl.static_range(5):
            result = (content[x] * silu(gate[x], FAST)).to(output.dtype.element_ty)
            stored = live & (first + x < width) & (y > 0)
            tl.store(output + ((y - 1) * width + first + x) * channels, result, mask=stored)
