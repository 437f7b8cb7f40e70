"""Reading the camera branch's states: query transform, both directions, inverse transform of the output (Eq. 6)."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917, PLR0915 - Triton: no annotations, constexprs, many pointers

import triton
import triton.language as tl

from kernels.camera_gdn.triton_steps import to_world
from kernels.triton_tiles import apply_rays, features, load_tile, load_vector, rotate_tile


@triton.jit
def load_state(base, direction, HALF: tl.constexpr, DOT: tl.constexpr):
    """One block of both directions' states, transposed for the product with queries."""
    index = tl.arange(0, HALF)
    place = base + index[None, :] * (2 * HALF) + index[:, None]
    return (tl.load(place).to(tl.float32) + tl.load(place + direction).to(tl.float32)).to(DOT)


@triton.jit
def from_world(
    tile_a, tile_b, matrices, cosine, sine, rows, row_mask,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The matrix itself on the first half of the channels, the opposite rotation on the second."""
    cos = load_tile(cosine, rows, DIM // 4, row_mask, DIM // 4, HALF // 2)
    sin = load_tile(sine, rows, DIM // 4, row_mask, DIM // 4, HALF // 2)
    moved = apply_rays(tile_a, matrices, rows, row_mask, BLOCK, HALF, False)
    return moved, rotate_tile(tile_b, cos, -sin, BLOCK, HALF)


@triton.jit(do_not_specialize=["frames", "space"])
def camera_read_kernel(
    query, inverse_rms, weight, matrices, cosine, sine, states, output,
    query_sb, query_sh, query_st, query_ss, frames, space, state_direction,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr, SPLITS: tl.constexpr,
    PREPARED: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Program (head, frame, batch x split); ``output`` is (batch, frames, space, heads, dim).

    Raw queries are moved into the world and the output back out of it; prepared ones are only multiplied.
    """
    head, frame = tl.program_id(0), tl.program_id(1)
    heads = tl.num_programs(0)
    batch, split = tl.program_id(2) // SPLITS, tl.program_id(2) % SPLITS
    wide = batch.to(tl.int64)
    query += wide * query_sb + head * query_sh + frame.to(tl.int64) * query_st
    inverse_rms += (wide * frames + frame) * space
    matrices += (wide * frames + frame) * space * 16
    cosine += frame * space * (DIM // 4)
    sine += frame * space * (DIM // 4)
    output += ((wide * frames + frame) * space * heads + head) * DIM
    weight_a = load_vector(weight + head * DIM, DIM // 2, HALF)
    weight_b = load_vector(weight + head * DIM + DIM // 2, DIM // 2, HALF)
    base = states + ((wide * heads + head) * frames + frame) * (4 * HALF * HALF)
    s_aa = load_state(base, state_direction, HALF, DOT)
    s_ab = load_state(base + HALF, state_direction, HALF, DOT)
    s_ba = load_state(base + 2 * HALF * HALF, state_direction, HALF, DOT)
    s_bb = load_state(base + 2 * HALF * HALF + HALF, state_direction, HALF, DOT)
    columns = tl.arange(0, HALF)
    share = tl.cdiv(tl.cdiv(space, BLOCK), SPLITS) * BLOCK
    for start in tl.range(split * share, tl.minimum(split * share + share, space), BLOCK, num_stages=STAGES):
        rows = start + tl.arange(0, BLOCK)
        row_mask = rows < space
        q_a = load_tile(query, rows, query_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        q_b = load_tile(query + DIM // 2, rows, query_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        if not PREPARED:
            inverse = tl.load(inverse_rms + rows, mask=row_mask, other=0.0)
            q_a, q_b = features(q_a, inverse, weight_a, 1.0), features(q_b, inverse, weight_b, 1.0)
            q_a, q_b = to_world(q_a, q_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK, True)
        x_a, x_b = q_a.to(DOT), q_b.to(DOT)
        o_a = tl.dot(x_a, s_aa, input_precision=PRECISION)
        o_a = tl.dot(x_b, s_ab, o_a, input_precision=PRECISION)
        o_b = tl.dot(x_a, s_ba, input_precision=PRECISION)
        o_b = tl.dot(x_b, s_bb, o_b, input_precision=PRECISION)
        if not PREPARED:
            o_a, o_b = from_world(o_a, o_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK)
        target = output + rows[:, None].to(tl.int64) * heads * DIM + columns[None, :]
        kept = row_mask[:, None] & (columns < DIM // 2)[None, :]
        tl.store(target, o_a.to(output.dtype.element_ty), mask=kept)
        tl.store(target + DIM // 2, o_b.to(output.dtype.element_ty), mask=kept)
