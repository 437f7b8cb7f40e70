"""Gradients of the main branch as Triton kernels: of the reads (queries), and of the steps (keys, values, gates).

What leaves the kernels for raw queries and keys is the gradient of the norm's output before its weight; the full-width
norm itself is ``kernels.key_prep``'s.
"""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917, PLR0915 - Triton: no annotations, constexprs, many pointers

import triton
import triton.language as tl

from kernels.frame_gdn.triton_steps import load_key, load_weights
from kernels.triton_adjoint import earlier_state
from kernels.triton_tiles import even_odd, interleave, load_tile, turn


@triton.jit
def load_sum(base, direction, place, mask):
    """Both directions of a state, in float32."""
    here = tl.load(base + place, mask=mask, other=0.0).to(tl.float32)
    return here + tl.load(base + direction + place, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def store_pairs(base, even, odd, rows, row_mask, stride, DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr):
    """Even and odd channels back in their order."""
    channels = tl.arange(0, 2 * HALF)
    tile = interleave(even, odd, BLOCK, HALF)
    kept = row_mask[:, None] & (channels < DIM)[None, :]
    place = base + rows[:, None].to(tl.int64) * stride + channels[None, :]
    tl.store(place, tile.to(base.dtype.element_ty), mask=kept)


@triton.jit(do_not_specialize=["frames", "space"])
def read_backward_kernel(
    query, rotated, inverse_rms, weight, cosine, sine, states, gradient, query_gradient, rotated_gradient, reads,
    query_sb, query_sh, query_st, query_ss, rotated_sb, rotated_sh, rotated_st, rotated_ss,
    gradient_sb, gradient_sh, gradient_st, gradient_ss, frames, space, eps, direction,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr, UPDATE_ROWS: tl.constexpr,
    PREPARED: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Program (head, frame, batch): dq of every token, and D, what the frame's tokens send to its states."""
    head, frame = tl.program_id(0), tl.program_id(1)
    heads = tl.num_programs(0)
    wide = tl.program_id(2).to(tl.int64)
    query += wide * query_sb + head * query_sh + frame.to(tl.int64) * query_st
    rotated += wide * rotated_sb + head * rotated_sh + frame.to(tl.int64) * rotated_st
    gradient += wide * gradient_sb + head * gradient_sh + frame.to(tl.int64) * gradient_st
    inverse_rms += (wide * frames + frame) * space
    cosine += frame * space * (DIM // 2)
    sine += frame * space * (DIM // 2)
    tokens = ((wide * frames + frame) * space * heads + head) * DIM
    weight_a, weight_b = load_weights(weight, head, DIM, HALF)
    channels, columns = tl.arange(0, 2 * HALF), tl.arange(0, HALF)
    cell = ((wide * heads + head) * frames + frame) * (UPDATE_ROWS * 2 * HALF)
    place = channels[:, None] * (2 * HALF) + columns[None, :]
    real = (channels < DIM)[:, None] & (columns < HALF)[None, :]
    state_a = load_sum(states + cell, direction, place, real).to(DOT)
    state_b = load_sum(states + cell + HALF, direction, place, real).to(DOT)
    row = DIM * 2 * HALF + columns
    z_a = load_sum(states + cell, direction, row, columns < HALF)
    z_b = load_sum(states + cell + HALF, direction, row, columns < HALF)
    d_a = tl.zeros([2 * HALF, HALF], tl.float32)
    d_b = tl.zeros([2 * HALF, HALF], tl.float32)
    dz_a = tl.zeros([HALF], tl.float32)
    dz_b = tl.zeros([HALF], tl.float32)
    for start in tl.range(0, space, BLOCK, num_stages=STAGES):
        rows = start + tl.arange(0, BLOCK)
        row_mask = rows < space
        q_a, q_b = load_key(
            query, rows, row_mask, query_ss, inverse_rms, weight_a, weight_b, 1.0, DIM, HALF, BLOCK, PREPARED
        )
        denominator = tl.sum(q_a * z_a[None, :] + q_b * z_b[None, :], axis=1) + eps
        if PREPARED:
            t_a, t_b = even_odd(load_tile(rotated, rows, rotated_ss, row_mask, DIM, 2 * HALF), BLOCK, HALF)
        else:
            cos = load_tile(cosine, rows, DIM // 2, row_mask, DIM // 2, HALF)
            sin = load_tile(sine, rows, DIM // 2, row_mask, DIM // 2, HALF)
            t_a, t_b = turn(q_a, q_b, cos, sin)
        inverse = tl.where(row_mask, 1.0 / denominator, 0.0)
        incoming = load_tile(gradient, rows, gradient_ss, row_mask, DIM, 2 * HALF).to(tl.float32)
        toward = (incoming * inverse[:, None]).to(DOT)
        g_a = tl.dot(toward, state_a, input_precision=PRECISION)
        g_b = tl.dot(toward, state_b, input_precision=PRECISION)
        d_a = tl.dot(tl.trans(toward), t_a.to(DOT), d_a, input_precision=PRECISION)
        d_b = tl.dot(tl.trans(toward), t_b.to(DOT), d_b, input_precision=PRECISION)
        falling = -tl.sum(g_a * t_a + g_b * t_b, axis=1) * inverse
        dz_a += tl.sum(falling[:, None] * q_a, axis=0)
        dz_b += tl.sum(falling[:, None] * q_b, axis=0)
        p_a, p_b = falling[:, None] * z_a[None, :], falling[:, None] * z_b[None, :]
        if PREPARED:
            store_pairs(rotated_gradient + tokens, g_a, g_b, rows, row_mask, heads * DIM, DIM, HALF, BLOCK)
        else:
            g_a, g_b = turn(g_a, g_b, cos, -sin)
            p_a, p_b = tl.where(q_a > 0, p_a + g_a, 0.0), tl.where(q_b > 0, p_b + g_b, 0.0)
        store_pairs(query_gradient + tokens, p_a, p_b, rows, row_mask, heads * DIM, DIM, HALF, BLOCK)
    tl.store(reads + cell + place, d_a.to(reads.dtype.element_ty), mask=real)
    tl.store(reads + cell + HALF + place, d_b.to(reads.dtype.element_ty), mask=real)
    tl.store(reads + cell + row, dz_a.to(reads.dtype.element_ty))
    tl.store(reads + cell + HALF + row, dz_b.to(reads.dtype.element_ty))


@triton.jit
def load_row(base, HALF: tl.constexpr):
    """Both halves of a normalizer's row, in float32."""
    columns = tl.arange(0, HALF)
    return tl.load(base + columns).to(tl.float32), tl.load(base + HALF + columns).to(tl.float32)


@triton.jit
def along(x_a, x_b, y_a, y_b):
    """Every token's product with one vector."""
    return tl.sum(x_a * y_a[None, :] + x_b * y_b[None, :], axis=1)[:, None]


@triton.jit(do_not_specialize=["frames", "space", "gate_sb", "gate_sh", "gate_st", "decay_sb", "decay_sh", "decay_st"])
def steps_backward_kernel(
    key, rotated, value, inverse_rms, weight, gate, cosine, sine, decay, states, before, adjoints, corrections,
    key_gradient, rotated_gradient, value_gradient, gate_gradient,
    key_sb, key_sh, key_st, key_ss, rotated_sb, rotated_sh, rotated_st, rotated_ss,
    value_sb, value_sh, value_st, value_ss, gate_sb, gate_sh, gate_st, gate_ss, decay_sb, decay_sh, decay_st,
    frames, space, scale, direction,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr, UPDATE_ROWS: tl.constexpr,
    PREPARED: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Program (head, frame, batch): with C = -g (dM + dM^T) and G = dU, ``y = C k + G^T v`` and ``w = G k``."""
    head, frame = tl.program_id(0), tl.program_id(1)
    heads = tl.num_programs(0)
    wide = tl.program_id(2).to(tl.int64)
    key += wide * key_sb + head * key_sh + frame.to(tl.int64) * key_st
    rotated += wide * rotated_sb + head * rotated_sh + frame.to(tl.int64) * rotated_st
    value += wide * value_sb + head * value_sh + frame.to(tl.int64) * value_st
    gate += wide * gate_sb + head * gate_sh + frame * gate_st
    inverse_rms += (wide * frames + frame) * space
    cosine += frame * space * (DIM // 2)
    sine += frame * space * (DIM // 2)
    tokens = ((wide * frames + frame) * space * heads + head) * DIM
    weight_a, weight_b = load_weights(weight, head, DIM, HALF)
    channels, columns = tl.arange(0, 2 * HALF), tl.arange(0, HALF)
    pair = wide * heads + head
    at = pair * frames + frame
    cell_size: tl.constexpr = UPDATE_ROWS * 2 * HALF
    place = channels[:, None] * (2 * HALF) + columns[None, :]
    real = (channels < DIM)[:, None] & (columns < HALF)[None, :]
    update_a = load_sum(adjoints + at * cell_size, direction, place, real).to(DOT)
    update_b = load_sum(adjoints + at * cell_size + HALF, direction, place, real).to(DOT)
    square = corrections + at * (3 * HALF * HALF) + columns[:, None] * HALF + columns[None, :]
    c_aa = tl.load(square).to(DOT)
    c_ab = tl.load(square + HALF * HALF).to(DOT)
    c_bb = tl.load(square + 2 * HALF * HALF).to(DOT)
    row: tl.constexpr = DIM * 2 * HALF
    z_a, z_b = load_row(earlier_state(states, before, pair, frame, frames, cell_size) + row, HALF)
    r_a, r_b = load_row(states + direction + at * cell_size + row, HALF)
    a_a, a_b = load_row(adjoints + at * cell_size + row, HALF)
    x_a, x_b = load_row(adjoints + direction + at * cell_size + row, HALF)
    keep = tl.load(decay + wide * decay_sb + head * decay_sh + frame * decay_st).to(tl.float32)
    for start in tl.range(0, space, BLOCK, num_stages=STAGES):
        rows = start + tl.arange(0, BLOCK)
        row_mask = rows < space
        k_a, k_b = load_key(
            key, rows, row_mask, key_ss, inverse_rms, weight_a, weight_b, scale, DIM, HALF, BLOCK, PREPARED
        )
        if PREPARED:
            t_a, t_b = even_odd(load_tile(rotated, rows, rotated_ss, row_mask, DIM, 2 * HALF), BLOCK, HALF)
        else:
            cos = load_tile(cosine, rows, DIM // 2, row_mask, DIM // 2, HALF)
            sin = load_tile(sine, rows, DIM // 2, row_mask, DIM // 2, HALF)
            t_a, t_b = turn(k_a, k_b, cos, sin)
        strength = tl.load(gate + rows * gate_ss, mask=row_mask, other=0.0).to(tl.float32)
        v = load_tile(value, rows, value_ss, row_mask, DIM, 2 * HALF)
        o_a, o_b, o_v = t_a.to(DOT), t_b.to(DOT), v.to(DOT)
        y_a = tl.dot(o_a, c_aa, input_precision=PRECISION)
        y_a = tl.dot(o_b, tl.trans(c_ab), y_a, input_precision=PRECISION)
        y_a = tl.dot(o_v, update_a, y_a, input_precision=PRECISION)
        y_b = tl.dot(o_a, c_ab, input_precision=PRECISION)
        y_b = tl.dot(o_b, c_bb, y_b, input_precision=PRECISION)
        y_b = tl.dot(o_v, update_b, y_b, input_precision=PRECISION)
        w = tl.dot(o_a, tl.trans(update_a), input_precision=PRECISION)
        w = tl.dot(o_b, tl.trans(update_b), w, input_precision=PRECISION)
        along_a, along_x = along(k_a, k_b, a_a, a_b), along(k_a, k_b, x_a, x_b)
        along_z, along_r = along(k_a, k_b, z_a, z_b), along(k_a, k_b, r_a, r_b)
        n_a = (1.0 - keep * along_z) * a_a[None, :] + (1.0 - keep * along_r) * x_a[None, :]
        n_b = (1.0 - keep * along_z) * a_b[None, :] + (1.0 - keep * along_r) * x_b[None, :]
        n_a -= keep * (along_a * z_a[None, :] + along_x * r_a[None, :])
        n_b -= keep * (along_a * z_b[None, :] + along_x * r_b[None, :])
        both = tl.sum(t_a * y_a + t_b * y_b + k_a * n_a + k_b * n_b, axis=1) + tl.sum(v.to(tl.float32) * w, axis=1)
        both += tl.sum(along_a + along_x, axis=1)
        tl.store(gate_gradient + at * space + rows, 0.5 * both, mask=row_mask)
        b = strength[:, None]
        y_a, y_b, n_a, n_b, w = b * y_a, b * y_b, b * n_a, b * n_b, b * w
        if PREPARED:
            store_pairs(rotated_gradient + tokens, y_a, y_b, rows, row_mask, heads * DIM, DIM, HALF, BLOCK)
        else:
            y_a, y_b = turn(y_a, y_b, cos, -sin)
            n_a = tl.where(k_a > 0, scale * (n_a + y_a), 0.0)
            n_b = tl.where(k_b > 0, scale * (n_b + y_b), 0.0)
        store_pairs(key_gradient + tokens, n_a, n_b, rows, row_mask, heads * DIM, DIM, HALF, BLOCK)
        target = value_gradient + tokens + rows[:, None].to(tl.int64) * heads * DIM + channels[None, :]
        tl.store(target, w.to(value_gradient.dtype.element_ty), mask=row_mask[:, None] & (channels < DIM)[None, :])
