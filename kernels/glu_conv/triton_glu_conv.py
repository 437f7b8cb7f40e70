"""SiLU, depthwise 3x3 and gate in one pass over memory, row after row of a frame."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0915, PLR0917 - Triton: no annotations, upper-case constexprs

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
def tap(taps, index, both, channel, live):
    """One tap of every channel, in the shape of a row's tile."""
    return tl.load(taps + index * both + channel, mask=live, other=0.0).to(tl.float32)[None, :]


@triton.jit
def glu_conv_kernel(
    wide, taps, bias, output, height, width, channels,
    COLUMNS: tl.constexpr, CHANNELS: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    """Program (channels of the output, columns, batch x frame): every row is read once and feeds three output rows.

    Taps are loaded before the rows: inside, the store of a row would make the compiler load them anew for every row.
    """
    channel = tl.program_id(0) * CHANNELS + tl.arange(0, CHANNELS)
    x = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    image = tl.program_id(2).to(tl.int64)
    both = 2 * channels
    live = channel < channels
    gating = channel + channels
    wide += image * height * width * both
    output += image * height * width * channels + x[:, None] * channels + channel[None, :]
    stored = live[None, :] & (x < width)[:, None]
    content_bias = tap(bias, 0, both, channel, live)
    gate_bias = tap(bias, 0, both, gating, live)
    c0, c1, c2 = tap(taps, 0, both, channel, live), tap(taps, 1, both, channel, live), tap(taps, 2, both, channel, live)
    c3, c4, c5 = tap(taps, 3, both, channel, live), tap(taps, 4, both, channel, live), tap(taps, 5, both, channel, live)
    c6, c7, c8 = tap(taps, 6, both, channel, live), tap(taps, 7, both, channel, live), tap(taps, 8, both, channel, live)
    g0, g1, g2 = tap(taps, 0, both, gating, live), tap(taps, 1, both, gating, live), tap(taps, 2, both, gating, live)
    g3, g4, g5 = tap(taps, 3, both, gating, live), tap(taps, 4, both, gating, live), tap(taps, 5, both, gating, live)
    g6, g7, g8 = tap(taps, 6, both, gating, live), tap(taps, 7, both, gating, live), tap(taps, 8, both, gating, live)
    # Sums of output rows that wait for rows below: of the row above the one read, and of the row read itself.
    content_above = tl.zeros((COLUMNS, CHANNELS), tl.float32)
    content_here = tl.zeros((COLUMNS, CHANNELS), tl.float32)
    gate_above = tl.zeros((COLUMNS, CHANNELS), tl.float32)
    gate_here = tl.zeros((COLUMNS, CHANNELS), tl.float32)
    for y in range(height + 1):
        row, mask = wide + y * width * both, live[None, :] & (y < height)
        left = shifted(row, x, -1, width, both, channel, mask, FAST)
        center = shifted(row, x, 0, width, both, channel, mask, FAST)
        right = shifted(row, x, 1, width, both, channel, mask, FAST)
        content = content_above + c6 * left + c7 * center + c8 * right + content_bias
        content_above = content_here + c3 * left + c4 * center + c5 * right
        content_here = c0 * left + c1 * center + c2 * right
        left = shifted(row, x, -1, width, both, gating, mask, FAST)
        center = shifted(row, x, 0, width, both, gating, mask, FAST)
        right = shifted(row, x, 1, width, both, gating, mask, FAST)
        gate = gate_above + g6 * left + g7 * center + g8 * right + gate_bias
        gate_above = gate_here + g3 * left + g4 * center + g5 * right
        gate_here = g0 * left + g1 * center + g2 * right
        result = (content * silu(gate, FAST)).to(output.dtype.element_ty)
        tl.store(output + (y - 1) * width * channels, result, mask=stored & (y > 0))
