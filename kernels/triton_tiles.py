"""Pieces of the Triton kernels: tiles of one head's channels as two halves, normalized, rotated and moved.

A head of ``D`` channels is held as two tiles of ``HALF`` columns, ``HALF`` the power of two not under ``D / 2``::

    main branch    a = even channels, b = odd channels             (a rotation is elementwise on a and b)
    camera branch  a = channels under D / 2, b = the others        (4x4 matrices on a, rotation on b)

The scan never needs to know which: states keep the same column order from the first kernel to the last.
"""
# ruff: noqa: ANN001, ANN201, D103, N803, PLR0913, PLR0917 - Triton: no annotations, upper-case constexprs, many pointers

import triton
import triton.language as tl


@triton.jit
def load_tile(base, rows, row_stride, row_mask, WIDTH: tl.constexpr, COLUMNS: tl.constexpr):
    """``COLUMNS`` columns (``WIDTH`` of them real) of some rows, in the tensor's own type."""
    columns = tl.arange(0, COLUMNS)
    mask = row_mask[:, None] & (columns < WIDTH)[None, :]
    return tl.load(base + rows[:, None] * row_stride + columns[None, :], mask=mask, other=0.0)


@triton.jit
def load_vector(base, WIDTH: tl.constexpr, COLUMNS: tl.constexpr):
    columns = tl.arange(0, COLUMNS)
    return tl.load(base + columns, mask=columns < WIDTH, other=0.0).to(tl.float32)


@triton.jit
def even_odd(tile, ROWS: tl.constexpr, HALF: tl.constexpr):
    """Even and odd columns of a tile, as float32."""
    even, odd = tl.split(tl.reshape(tile, [ROWS, HALF, 2]))
    return even.to(tl.float32), odd.to(tl.float32)


@triton.jit
def interleave(even, odd, ROWS: tl.constexpr, HALF: tl.constexpr):
    return tl.reshape(tl.join(even, odd), [ROWS, 2 * HALF])


@triton.jit
def features(tile, inverse_rms, weight, scale):
    """``relu(x * inverse_rms * weight) * scale`` in float32."""
    normed = tile.to(tl.float32) * inverse_rms[:, None] * weight[None, :]
    return tl.maximum(normed, 0.0) * scale


@triton.jit
def turn(even, odd, cosine, sine):
    return even * cosine - odd * sine, even * sine + odd * cosine


@triton.jit
def load_ray_matrix(base, rows, row_mask, row: tl.constexpr, TRANSPOSED: tl.constexpr):
    """Four columns of one row of each token's 4x4 matrix (or of its transpose), each ``[rows, 1]``."""
    start: tl.constexpr = row if TRANSPOSED else 4 * row
    step: tl.constexpr = 4 if TRANSPOSED else 1
    m0 = tl.load(base + rows * 16 + start, mask=row_mask, other=0.0)
    m1 = tl.load(base + rows * 16 + (start + step), mask=row_mask, other=0.0)
    m2 = tl.load(base + rows * 16 + (start + 2 * step), mask=row_mask, other=0.0)
    m3 = tl.load(base + rows * 16 + (start + 3 * step), mask=row_mask, other=0.0)
    return m0[:, None], m1[:, None], m2[:, None], m3[:, None]


@triton.jit
def ray_row(base, rows, row_mask, x0, x1, x2, x3, row: tl.constexpr, TRANSPOSED: tl.constexpr):
    m0, m1, m2, m3 = load_ray_matrix(base, rows, row_mask, row, TRANSPOSED)
    return m0 * x0 + m1 * x1 + m2 * x2 + m3 * x3


@triton.jit
def apply_rays(tile, base, rows, row_mask, ROWS: tl.constexpr, HALF: tl.constexpr, TRANSPOSED: tl.constexpr):
    """Each group of four consecutive columns times its token's 4x4 matrix."""
    groups = tl.reshape(tile, [ROWS, HALF // 4, 2, 2])
    low, high = tl.split(groups)
    x0, x2 = tl.split(low)
    x1, x3 = tl.split(high)
    y0 = ray_row(base, rows, row_mask, x0, x1, x2, x3, 0, TRANSPOSED)
    y1 = ray_row(base, rows, row_mask, x0, x1, x2, x3, 1, TRANSPOSED)
    y2 = ray_row(base, rows, row_mask, x0, x1, x2, x3, 2, TRANSPOSED)
    y3 = ray_row(base, rows, row_mask, x0, x1, x2, x3, 3, TRANSPOSED)
    return tl.reshape(tl.join(tl.join(y0, y2), tl.join(y1, y3)), [ROWS, HALF])


@triton.jit
def rotate_tile(tile, cosine, sine, ROWS: tl.constexpr, HALF: tl.constexpr):
    """Rotate the pairs of consecutive columns of a float32 tile."""
    even, odd = even_odd(tile, ROWS, HALF // 2)
    even, odd = turn(even, odd, cosine, sine)
    return interleave(even, odd, ROWS, HALF // 2)


@triton.jit
def store_block(base, block, limit, SIZE: tl.constexpr):
    """A square block, zero outside its first ``limit`` rows and columns."""
    index = tl.arange(0, SIZE)
    kept = (index < limit)[:, None] & (index < limit)[None, :]
    tl.store(base + index[:, None] * SIZE + index[None, :], tl.where(kept, block, 0.0).to(base.dtype.element_ty))
