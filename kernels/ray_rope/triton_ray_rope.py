"""Rotation and ray transform of per-head features as one Triton kernel: read once, written once."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917 - Triton: no annotations, upper-case constexprs, many pointers

import triton
import triton.language as tl

from kernels.triton_tiles import apply_rays, load_tile, rotate_tile


@triton.jit
def store_tile(base, tile, rows, row_stride, row_mask, WIDTH: tl.constexpr, COLUMNS: tl.constexpr):
    """The real columns of a tile."""
    columns = tl.arange(0, COLUMNS)
    mask = row_mask[:, None] & (columns < WIDTH)[None, :]
    tl.store(base + rows[:, None] * row_stride + columns[None, :], tile.to(base.dtype.element_ty), mask=mask)


@triton.jit
def ray_rope_kernel(
    features, matrices, cosine, sine, output, in_sb, in_sh, in_st, in_ss, frames, space,
    DIM: tl.constexpr, RAYS: tl.constexpr, BLOCK: tl.constexpr, HALF: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip
    """Program (head, block of a frame's tokens, batch x frame); ``output`` is contiguous.

    With ``RAYS`` the first half of the channels is moved by 4x4 matrices and the second rotated, else all are rotated.
    """
    head, heads = tl.program_id(0), tl.num_programs(0)
    batch, frame = (tl.program_id(2) // frames).to(tl.int64), (tl.program_id(2) % frames).to(tl.int64)
    rows = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    row_mask = rows < space
    features += batch * in_sb + head * in_sh + frame * in_st
    output += ((batch * heads + head) * frames + frame) * space * DIM
    if RAYS:
        matrices += (batch * frames + frame) * space * 16
        cosine += frame * space * (DIM // 4)
        sine += frame * space * (DIM // 4)
        low = load_tile(features, rows, in_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        high = load_tile(features + DIM // 2, rows, in_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        cos = load_tile(cosine, rows, DIM // 4, row_mask, DIM // 4, HALF // 2)
        sin = load_tile(sine, rows, DIM // 4, row_mask, DIM // 4, HALF // 2)
        low = apply_rays(low, matrices, rows, row_mask, BLOCK, HALF, False)
        high = rotate_tile(high, cos, sin, BLOCK, HALF)
        store_tile(output, low, rows, DIM, row_mask, DIM // 2, HALF)
        store_tile(output + DIM // 2, high, rows, DIM, row_mask, DIM // 2, HALF)
    else:
        cosine += frame * space * (DIM // 2)
        sine += frame * space * (DIM // 2)
        whole = load_tile(features, rows, in_ss, row_mask, DIM, WHOLE).to(tl.float32)
        cos = load_tile(cosine, rows, DIM // 2, row_mask, DIM // 2, WHOLE // 2)
        sin = load_tile(sine, rows, DIM // 2, row_mask, DIM // 2, WHOLE // 2)
        store_tile(output, rotate_tile(whole, cos, sin, BLOCK, WHOLE), rows, DIM, row_mask, DIM, WHOLE)
