"""Gradients of the camera branch as Triton kernels, with the ray transform's way back inline (Eq. 6)."""
# ruff: noqa: ANN001, ANN201, D103, N803, PLR0913, PLR0917, PLR0915 - Triton: no annotations, constexprs, many pointers

import triton
import triton.language as tl

from kernels.camera_gdn.triton_read import from_world
from kernels.camera_gdn.triton_steps import to_world
from kernels.triton_adjoint import gate_discount
from kernels.triton_tiles import apply_rays, features, load_tile, load_vector, rotate_tile


@triton.jit
def load_block(base, direction, DIM: tl.constexpr, HALF: tl.constexpr, DOT: tl.constexpr):
    """One block (value half, key half) of both directions' states; rows that mean nothing are zero."""
    index = tl.arange(0, HALF)
    place = base + index[:, None] * (2 * HALF) + index[None, :]
    mask = (index < DIM // 2)[:, None] & (index < HALF)[None, :]
    here = tl.load(place, mask=mask, other=0.0).to(tl.float32)
    return (here + tl.load(place + direction, mask=mask, other=0.0).to(tl.float32)).to(DOT)


@triton.jit
def store_half(base, tile, rows, row_mask, stride, DIM: tl.constexpr, HALF: tl.constexpr):
    columns = tl.arange(0, HALF)
    kept = row_mask[:, None] & (columns < DIM // 2)[None, :]
    tl.store(base + rows[:, None].to(tl.int64) * stride + columns[None, :], tile.to(base.dtype.element_ty), mask=kept)


@triton.jit
def store_quadrant(base, block, HALF: tl.constexpr):
    index = tl.arange(0, HALF)
    tl.store(base + index[:, None] * (2 * HALF) + index[None, :], block.to(base.dtype.element_ty))


@triton.jit
def undo_to_world(
    tile_a, tile_b, matrices, cosine, sine, rows, row_mask,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The adjoint of ``to_world`` with plain matrices: transposed ones, the opposite rotation."""
    cos = load_tile(cosine, rows, DIM // 4, row_mask, DIM // 4, HALF // 2)
    sin = load_tile(sine, rows, DIM // 4, row_mask, DIM // 4, HALF // 2)
    moved = apply_rays(tile_a, matrices, rows, row_mask, BLOCK, HALF, True)
    return moved, rotate_tile(tile_b, cos, -sin, BLOCK, HALF)


@triton.jit(do_not_specialize=["frames", "space"])
def camera_read_backward_kernel(
    query, inverse_rms, weight, matrices, cosine, sine, states, gradient, query_gradient, reads,
    query_sb, query_sh, query_st, query_ss, gradient_sb, gradient_sh, gradient_st, gradient_ss,
    frames, space, direction,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr,
    PREPARED: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Program (head, frame, batch): dq of every token, and D, what the frame's tokens send to its states.

    The output left the world by the matrix that queries entered it with, transposed: its gradient enters as they do.
    """
    head, frame = tl.program_id(0), tl.program_id(1)
    heads = tl.num_programs(0)
    wide = tl.program_id(2).to(tl.int64)
    query += wide * query_sb + head * query_sh + frame.to(tl.int64) * query_st
    gradient += wide * gradient_sb + head * gradient_sh + frame.to(tl.int64) * gradient_st
    inverse_rms += (wide * frames + frame) * space
    matrices += (wide * frames + frame) * space * 16
    cosine += frame * space * (DIM // 4)
    sine += frame * space * (DIM // 4)
    target = query_gradient + ((wide * frames + frame) * space * heads + head) * DIM
    weight_a = load_vector(weight + head * DIM, DIM // 2, HALF)
    weight_b = load_vector(weight + head * DIM + DIM // 2, DIM // 2, HALF)
    at = (wide * heads + head) * frames + frame
    base = states + at * (4 * HALF * HALF)
    s_aa = load_block(base, direction, DIM, HALF, DOT)
    s_ab = load_block(base + HALF, direction, DIM, HALF, DOT)
    s_ba = load_block(base + 2 * HALF * HALF, direction, DIM, HALF, DOT)
    s_bb = load_block(base + 2 * HALF * HALF + HALF, direction, DIM, HALF, DOT)
    d_aa = tl.zeros([HALF, HALF], tl.float32)
    d_ab = tl.zeros([HALF, HALF], tl.float32)
    d_ba = tl.zeros([HALF, HALF], tl.float32)
    d_bb = tl.zeros([HALF, HALF], tl.float32)
    for start in tl.range(0, space, BLOCK, num_stages=STAGES):
        rows = start + tl.arange(0, BLOCK)
        row_mask = rows < space
        f_a = load_tile(query, rows, query_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        f_b = load_tile(query + DIM // 2, rows, query_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        o_a = load_tile(gradient, rows, gradient_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        o_b = load_tile(gradient + DIM // 2, rows, gradient_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        q_a, q_b = f_a, f_b
        if not PREPARED:
            inverse = tl.load(inverse_rms + rows, mask=row_mask, other=0.0)
            f_a, f_b = features(f_a, inverse, weight_a, 1.0), features(f_b, inverse, weight_b, 1.0)
            q_a, q_b = to_world(f_a, f_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK, True)
            o_a, o_b = to_world(o_a, o_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK, True)
        x_a, x_b, t_a, t_b = q_a.to(DOT), q_b.to(DOT), o_a.to(DOT), o_b.to(DOT)
        d_aa = tl.dot(tl.trans(t_a), x_a, d_aa, input_precision=PRECISION)
        d_ab = tl.dot(tl.trans(t_a), x_b, d_ab, input_precision=PRECISION)
        d_ba = tl.dot(tl.trans(t_b), x_a, d_ba, input_precision=PRECISION)
        d_bb = tl.dot(tl.trans(t_b), x_b, d_bb, input_precision=PRECISION)
        g_a = tl.dot(t_a, s_aa, input_precision=PRECISION)
        g_a = tl.dot(t_b, s_ba, g_a, input_precision=PRECISION)
        g_b = tl.dot(t_a, s_ab, input_precision=PRECISION)
        g_b = tl.dot(t_b, s_bb, g_b, input_precision=PRECISION)
        if not PREPARED:
            g_a, g_b = from_world(g_a, g_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK)
            g_a, g_b = tl.where(f_a > 0, g_a, 0.0), tl.where(f_b > 0, g_b, 0.0)
        store_half(target, g_a, rows, row_mask, heads * DIM, DIM, HALF)
        store_half(target + DIM // 2, g_b, rows, row_mask, heads * DIM, DIM, HALF)
    reads += at * (4 * HALF * HALF)
    store_quadrant(reads, d_aa, HALF)
    store_quadrant(reads + HALF, d_ab, HALF)
    store_quadrant(reads + 2 * HALF * HALF, d_ba, HALF)
    store_quadrant(reads + 2 * HALF * HALF + HALF, d_bb, HALF)


@triton.jit(do_not_specialize=["frames", "space", "gate_sb", "gate_sh", "gate_st"])
def camera_steps_backward_kernel(
    key, value, inverse_rms, weight, gate, matrices, cosine, sine, growth, growth_gradient, adjoints, corrections,
    key_gradient, value_gradient, gate_gradient,
    key_sb, key_sh, key_st, key_ss, value_sb, value_sh, value_st, value_ss, gate_sb, gate_sh, gate_st, gate_ss,
    frames, space, scale, direction,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr, SPLITS: tl.constexpr,
    PREPARED: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Program (head, frame, batch): with C = -g (dM + dM^T) and G = dU, ``y = C k + G^T v`` and ``w = G k``."""
    head, frame = tl.program_id(0), tl.program_id(1)
    heads = tl.num_programs(0)
    wide = tl.program_id(2).to(tl.int64)
    key += wide * key_sb + head * key_sh + frame.to(tl.int64) * key_st
    value += wide * value_sb + head * value_sh + frame.to(tl.int64) * value_st
    gate += wide * gate_sb + head * gate_sh + frame * gate_st
    inverse_rms += (wide * frames + frame) * space
    matrices += (wide * frames + frame) * space * 16
    cosine += frame * space * (DIM // 4)
    sine += frame * space * (DIM // 4)
    tokens = ((wide * frames + frame) * space * heads + head) * DIM
    weight_a = load_vector(weight + head * DIM, DIM // 2, HALF)
    weight_b = load_vector(weight + head * DIM + DIM // 2, DIM // 2, HALF)
    at = (wide * heads + head) * frames + frame
    base = adjoints + at * (4 * HALF * HALF)
    u_aa = load_block(base, direction, DIM, HALF, DOT)
    u_ab = load_block(base + HALF, direction, DIM, HALF, DOT)
    u_ba = load_block(base + 2 * HALF * HALF, direction, DIM, HALF, DOT)
    u_bb = load_block(base + 2 * HALF * HALF + HALF, direction, DIM, HALF, DOT)
    index = tl.arange(0, HALF)
    square = corrections + at * (3 * HALF * HALF) + index[:, None] * HALF + index[None, :]
    c_aa = tl.load(square).to(DOT)
    c_ab = tl.load(square + HALF * HALF).to(DOT)
    c_bb = tl.load(square + 2 * HALF * HALF).to(DOT)
    _, discount = gate_discount(growth, at, space, SPLITS)
    growing = 2.0 * tl.load(growth_gradient + at)
    for start in tl.range(0, space, BLOCK, num_stages=STAGES):
        rows = start + tl.arange(0, BLOCK)
        row_mask = rows < space
        f_a = load_tile(key, rows, key_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        f_b = load_tile(key + DIM // 2, rows, key_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        v_a = load_tile(value, rows, value_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        v_b = load_tile(value + DIM // 2, rows, value_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        k_a, k_b = f_a, f_b
        if not PREPARED:
            inverse = tl.load(inverse_rms + rows, mask=row_mask, other=0.0)
            f_a, f_b = features(f_a, inverse, weight_a, scale), features(f_b, inverse, weight_b, scale)
            k_a, k_b = to_world(f_a, f_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK, False)
            v_a, v_b = to_world(v_a, v_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK, False)
        x_a, x_b, t_a, t_b = k_a.to(DOT), k_b.to(DOT), v_a.to(DOT), v_b.to(DOT)
        y_a = tl.dot(x_a, c_aa, input_precision=PRECISION)
        y_a = tl.dot(x_b, tl.trans(c_ab), y_a, input_precision=PRECISION)
        y_a = tl.dot(t_a, u_aa, y_a, input_precision=PRECISION)
        y_a = tl.dot(t_b, u_ba, y_a, input_precision=PRECISION)
        y_b = tl.dot(x_a, c_ab, input_precision=PRECISION)
        y_b = tl.dot(x_b, c_bb, y_b, input_precision=PRECISION)
        y_b = tl.dot(t_a, u_ab, y_b, input_precision=PRECISION)
        y_b = tl.dot(t_b, u_bb, y_b, input_precision=PRECISION)
        w_a = tl.dot(x_a, tl.trans(u_aa), input_precision=PRECISION)
        w_a = tl.dot(x_b, tl.trans(u_ab), w_a, input_precision=PRECISION)
        w_b = tl.dot(x_a, tl.trans(u_ba), input_precision=PRECISION)
        w_b = tl.dot(x_b, tl.trans(u_bb), w_b, input_precision=PRECISION)
        both = tl.sum(k_a * y_a + k_b * y_b, axis=1) + tl.sum(v_a * w_a + v_b * w_b, axis=1)
        tl.store(gate_gradient + at * space + rows, 0.5 * discount * both, mask=row_mask)
        b = discount * tl.load(gate + rows * gate_ss, mask=row_mask, other=0.0).to(tl.float32)[:, None]
        y_a, y_b, w_a, w_b = b * y_a, b * y_b, b * w_a, b * w_b
        if not PREPARED:
            before = tl.sum(f_a * f_a, axis=1) + tl.sum(f_b * f_b, axis=1)
            after = tl.sum(k_a * k_a, axis=1) + tl.sum(k_b * k_b, axis=1)
            floored = tl.maximum(before, 1e-12)
            grow = (growing / floored)[:, None]
            shrink = tl.where(before > 1e-12, growing * after / (floored * floored), 0.0)[:, None]
            y_a, y_b = y_a + grow * k_a, y_b + grow * k_b
            y_a, y_b = undo_to_world(y_a, y_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK)
            w_a, w_b = undo_to_world(w_a, w_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK)
            y_a = tl.where(f_a > 0, scale * (y_a - shrink * f_a), 0.0)
            y_b = tl.where(f_b > 0, scale * (y_b - shrink * f_b), 0.0)
        store_half(key_gradient + tokens, y_a, rows, row_mask, heads * DIM, DIM, HALF)
        store_half(key_gradient + tokens + DIM // 2, y_b, rows, row_mask, heads * DIM, DIM, HALF)
        store_half(value_gradient + tokens, w_a, rows, row_mask, heads * DIM, DIM, HALF)
        store_half(value_gradient + tokens + DIM // 2, w_b, rows, row_mask, heads * DIM, DIM, HALF)
