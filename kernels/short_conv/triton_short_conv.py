"""The short convolution as a Triton kernel: a program walks the frames with a window of them in registers."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917 - Triton: no annotations, upper-case constexprs, many pointers

import triton
import triton.language as tl


@triton.jit
def window_frame(base, frame, frames, frame_stride, mask):
    """One frame's values, zero before the first and after the last."""
    inside = mask & (frame >= 0) & (frame < frames)
    return tl.load(base + frame * frame_stride, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def short_conv_kernel(
    inputs, weight, sight, output, in_sb, in_st, in_ss, frames, in_frames, before, places, channels,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Four taps; program (block of a frame's places, batch). ``sight`` counts the later frames each frame may see.

    ``inputs`` begins ``before`` frames before the first output; three are seen on either side, zeros where none are.
    """
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = place < places
    batch = tl.program_id(1).to(tl.int64)
    inputs += batch * in_sb + (place // channels) * in_ss + place % channels
    output += batch * frames * places + place
    first = batch * 0  # frames are counted in 64 bits
    start = first + before - 3
    taps = weight + (place % channels) * 4
    w0 = tl.load(taps, mask=mask, other=0.0).to(tl.float32)
    w1 = tl.load(taps + 1, mask=mask, other=0.0).to(tl.float32)
    w2 = tl.load(taps + 2, mask=mask, other=0.0).to(tl.float32)
    w3 = tl.load(taps + 3, mask=mask, other=0.0).to(tl.float32)
    x0 = window_frame(inputs, start + 0, in_frames, in_st, mask)
    x1 = window_frame(inputs, start + 1, in_frames, in_st, mask)
    x2 = window_frame(inputs, start + 2, in_frames, in_st, mask)
    x3 = window_frame(inputs, start + 3, in_frames, in_st, mask)
    x4 = window_frame(inputs, start + 4, in_frames, in_st, mask)
    x5 = window_frame(inputs, start + 5, in_frames, in_st, mask)
    for frame in range(frames):
        x6 = window_frame(inputs, start + frame + 6, in_frames, in_st, mask)
        seen = tl.load(sight + frame)
        mixed = w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3
        mixed += tl.where(seen >= 1, w2 * x4, 0.0)
        mixed += tl.where(seen >= 2, w1 * x5, 0.0)
        mixed += tl.where(seen >= 3, w0 * x6, 0.0)
        tl.store(output + (first + frame) * places, mixed.to(output.dtype.element_ty), mask=mask)
        x0, x1, x2, x3, x4, x5 = x1, x2, x3, x4, x5, x6
