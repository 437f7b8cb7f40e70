"""The way back through feature preparation as a Triton kernel: one read of a token's whole width, one write."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917 - Triton: no annotations, upper-case constexprs, many pointers

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["tokens", "frames", "space", "share"])
def features_backward_kernel(
    raw, weight, gradient, output, partial, raw_stride,
    gradient_sb, gradient_sh, gradient_st, gradient_ss, tokens, frames, space, share, eps, scale,
    WIDTH: tl.constexpr, DIM: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Program p takes tokens [p share, p share + share); its sum of the weight's gradient is row p of ``partial``.

    ``gradient`` may be ``output`` itself: a token is read whole before it is written.
    """
    columns = tl.arange(0, COLUMNS)
    inside = columns < WIDTH
    gain = tl.load(weight + columns, mask=inside, other=0.0).to(tl.float32)
    channels = (columns // DIM) * gradient_sh + columns % DIM
    total = tl.zeros([COLUMNS], tl.float32)
    start = tl.program_id(0).to(tl.int64) * share
    for token in range(start, tl.minimum(start + share, tokens)):
        batch, within = token // (frames * space), token % (frames * space)
        source = gradient + batch * gradient_sb + (within // space) * gradient_st + (within % space) * gradient_ss
        x = tl.load(raw + token * raw_stride + columns, mask=inside, other=0.0).to(tl.float32)
        behind = tl.load(source + channels, mask=inside, other=0.0).to(tl.float32)
        inverse = tl.rsqrt(tl.sum(x * x, axis=0) / WIDTH + eps)
        normed = x * inverse
        behind = tl.where(normed * gain > 0, behind * scale, 0.0)
        total += behind * normed
        toward = behind * gain
        shared = tl.sum(toward * normed, axis=0) / WIDTH
        result = inverse * (toward - normed * shared)
        tl.store(output + token * WIDTH + columns, result.to(output.dtype.element_ty), mask=inside)
    tl.store(partial + tl.program_id(0) * WIDTH + columns, total, mask=inside)
