"""The short convolution's gradients as one Triton kernel: a program walks the frames with a window of gradients."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917, PLR0915 - Triton: no annotations, upper-case constexprs, many pointers

import triton
import triton.language as tl


@triton.jit
def seen_from(gradient, sight, frame, frames, distance: tl.constexpr):
    """A gradient of some earlier frame, if that frame could see ``distance`` frames ahead."""
    seen = tl.load(sight + frame, mask=(frame >= 0) & (frame < frames), other=0)
    return tl.where(seen >= distance, gradient, 0.0)


@triton.jit
def short_conv_backward_kernel(
    extended, weight, sight, gradient, output, taps_gradient, extended_sb, extended_st,
    frames, extended_frames, places, channels, BLOCK: tl.constexpr,
):  # fmt: skip
    """Program (block of a frame's places, batch); ``taps_gradient`` keeps four sums a place (batch places 4)."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = place < places
    batch = tl.program_id(1).to(tl.int64)
    extended += batch * extended_sb + place
    gradient += batch * frames * places + place
    output += batch * extended_frames * places + place
    first = batch * 0  # frames are counted in 64 bits
    taps = weight + (place % channels) * 4
    w0 = tl.load(taps, mask=mask, other=0.0).to(tl.float32)
    w1 = tl.load(taps + 1, mask=mask, other=0.0).to(tl.float32)
    w2 = tl.load(taps + 2, mask=mask, other=0.0).to(tl.float32)
    w3 = tl.load(taps + 3, mask=mask, other=0.0).to(tl.float32)
    # Gradients of one to six frames before. Each needs a zero of its own: names that start as one value and are shifted
    # into each other look unchanged to Triton, which then carries none of them through the loop.
    g1 = tl.zeros([BLOCK], tl.float32)
    g2 = tl.zeros([BLOCK], tl.float32)
    g3 = tl.zeros([BLOCK], tl.float32)
    g4 = tl.zeros([BLOCK], tl.float32)
    g5 = tl.zeros([BLOCK], tl.float32)
    g6 = tl.zeros([BLOCK], tl.float32)
    t0 = tl.zeros([BLOCK], tl.float32)
    t1 = tl.zeros([BLOCK], tl.float32)
    t2 = tl.zeros([BLOCK], tl.float32)
    t3 = tl.zeros([BLOCK], tl.float32)
    for frame in range(extended_frames):
        here = first + frame
        g0 = tl.load(gradient + here * places, mask=mask & (frame < frames), other=0.0).to(tl.float32)
        x = tl.load(extended + here * extended_st, mask=mask, other=0.0).to(tl.float32)
        toward0 = g0 + seen_from(g6, sight, frame - 6, frames, 3)
        toward1 = g1 + seen_from(g5, sight, frame - 5, frames, 2)
        toward2 = g2 + seen_from(g4, sight, frame - 4, frames, 1)
        t0 += toward0 * x
        t1 += toward1 * x
        t2 += toward2 * x
        t3 += g3 * x
        mixed = w0 * toward0 + w1 * toward1 + w2 * toward2 + w3 * g3
        tl.store(output + here * places, mixed.to(output.dtype.element_ty), mask=mask)
        g1, g2, g3, g4, g5, g6 = g0, g1, g2, g3, g4, g5
    kept = taps_gradient + (batch * places + place) * 4
    tl.store(kept, t0, mask=mask)
    tl.store(kept + 1, t1, mask=mask)
    tl.store(kept + 2, t2, mask=mask)
    tl.store(kept + 3, t3, mask=mask)
