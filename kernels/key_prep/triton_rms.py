"""Full-width RMS of queries and keys, and the prepared features, as Triton kernels."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917 - Triton: no annotations, upper-case constexprs, many pointers

import triton
import triton.language as tl


@triton.jit
def row_inverse_rms(base, rows, row_stride, row_mask, eps, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    """``rsqrt(mean(x^2) + eps)`` of some rows, summed in float32."""
    total = tl.zeros([rows.shape[0]], tl.float32)
    for start in tl.static_range(0, WIDTH, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        mask = row_mask[:, None] & (columns < WIDTH)[None, :]
        tile = tl.load(base + rows[:, None] * row_stride + columns[None, :], mask=mask, other=0.0).to(tl.float32)
        total += tl.sum(tile * tile, axis=1)
    return tl.rsqrt(total / WIDTH + eps)


@triton.jit(do_not_specialize=["rows_in_all"])
def inverse_rms_kernel(
    query, key, output, query_stride, key_stride, rows_in_all, eps,
    WIDTH: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Rows of ``query`` fill ``output[0]``, rows of ``key`` fill ``output[1]``."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    row_mask = rows < rows_in_all
    which = tl.program_id(1)
    wide = rows.to(tl.int64)
    if which == 0:
        inverse = row_inverse_rms(query, wide, query_stride, row_mask, eps, WIDTH, BLOCK)
    else:
        inverse = row_inverse_rms(key, wide, key_stride, row_mask, eps, WIDTH, BLOCK)
    tl.store(output + which.to(tl.int64) * rows_in_all + rows, inverse, mask=row_mask)


@triton.jit
def features_kernel(
    raw, weight, output, raw_stride, rows_in_all, space, frames, eps, scale,
    HEADS: tl.constexpr, DIM: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """A few tokens a program: their RMS, then head after head, written as (batch, heads, frames, space, dim)."""
    rows = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    row_mask = rows < rows_in_all
    inverse = row_inverse_rms(raw, rows, raw_stride, row_mask, eps, HEADS * DIM, BLOCK)[:, None]
    batch, token = rows // (frames * space), rows % (frames * space)
    columns = tl.arange(0, COLUMNS)
    inside = columns < DIM
    mask = row_mask[:, None] & inside[None, :]
    for head in range(HEADS):
        place = raw + rows[:, None] * raw_stride + head * DIM + columns[None, :]
        tile = tl.load(place, mask=mask, other=0.0).to(tl.float32)
        gain = tl.load(weight + head * DIM + columns, mask=inside, other=0.0).to(tl.float32)
        prepared = tl.maximum(tile * inverse * gain[None, :], 0.0) * scale
        target = ((batch * HEADS + head) * frames * space + token)[:, None] * DIM + columns[None, :]
        tl.store(output + target, prepared.to(output.dtype.element_ty), mask=mask)
