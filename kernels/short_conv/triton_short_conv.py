"""The short convolution as a Triton kernel: a program walks the frames with a window of them in registers."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917 - Triton: no annotations, upper-case constexprs, many pointers

import triton
import triton.language as tl


@triton.jit
def window_frame(base, frame, frames, frame_stride, mask):
    """One frame's values, zero after the last."""
    return tl.load(base + frame * frame_stride, mask=mask & (frame < frames), other=0.0).to(tl.float32)


@triton.jit
def short_conv_kernel(
    extended, weight, sight, output, extended_sb, extended_st, frames, extended_frames, places, channels,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Four taps; program (block of a frame's places, batch). ``sight`` counts the later frames each frame may see."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = place < places
    batch = tl.program_id(1).to(tl.int64)
    extended += batch * extended_sb + place
    output += batch * frames * places + place
    first = batch * 0  # frames are counted in 64 bits
    taps = weight + (place % channels) * 4
    w0 = tl.load(taps, mask=mask, other=0.0).to(tl.float32)
    w1 = tl.load(taps + 1, mask=mask, other=0.0).to(tl.float32)
    w2 = tl.load(taps + 2, mask=mask, other=0.0).to(tl.float32)
    w3 = tl.load(taps + 3, mask=mask, other=0.0).to(tl.float32)
    x0 = window_frame(extended, 0, extended_frames, extended_st, mask)
    x1 = window_frame(extended, 1, extended_frames, extended_st, mask)
    x2 = window_frame(extended, 2, extended_frames, extended_st, mask)
    x3 = window_frame(extended, 3, extended_frames, extended_st, mask)
    x4 = window_frame(extended, 4, extended_frames, extended_st, mask)
    x5 = window_frame(extended, 5, extended_frames, extended_st, mask)
    for frame in range(frames):
        x6 = window_frame(extended, first + frame + 6, extended_frames, extended_st, mask)
        seen = tl.load(sight + frame)
        mixed = w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3
        mixed += tl.where(seen >= 1, w2 * x4, 0.0)
        mixed += tl.where(seen >= 2, w1 * x5, 0.0)
        mixed += tl.where(seen >= 3, w0 * x6, 0.0)
        tl.store(output + (first + frame) * places, mixed.to(output.dtype.element_ty), mask=mask)
        x0, x1, x2, x3, x4, x5 = x1, x2, x3, x4, x5, x6
