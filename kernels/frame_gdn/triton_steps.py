"""Per frame and head: P = K B K^T and U = V B K^T of the main branch, for rotated and for plain keys.

In P, B is split between the two operands (sqrt(B) on each), so that P is symmetric and never negative however the
operands are rounded: the bound of Eq. 5 survives bfloat16. In U, B is on the keys alone: values then go from memory to
the product as they are, unrounded and without passing registers.
"""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917, PLR0915 - Triton: no annotations, constexprs, many pointers

import triton
import triton.language as tl

from kernels.triton_tiles import even_odd, features, load_tile, store_block, turn


@triton.jit
def load_key(
    key, rows, row_mask, stride, inverse_rms, weight_a, weight_b, scale,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr, PREPARED: tl.constexpr,
):  # fmt: skip
    """Even and odd channels of a block of keys, normalized here unless they come prepared."""
    tile = load_tile(key, rows, stride, row_mask, DIM, 2 * HALF)
    even, odd = even_odd(tile, BLOCK, HALF)
    if not PREPARED:
        inverse = tl.load(inverse_rms + rows, mask=row_mask, other=0.0)
        even = features(even, inverse, weight_a, scale)
        odd = features(odd, inverse, weight_b, scale)
    return even, odd


@triton.jit
def load_weights(weight, head, DIM: tl.constexpr, HALF: tl.constexpr):
    """Norm weights of a head's even and odd channels."""
    index = tl.arange(0, HALF)
    inside = index < DIM // 2
    base = weight + head * DIM + 2 * index
    even = tl.load(base, mask=inside, other=0.0).to(tl.float32)
    return even, tl.load(base + 1, mask=inside, other=0.0).to(tl.float32)


@triton.jit(do_not_specialize=["frames", "space", "gate_sb", "gate_sh", "gate_st"])
def matrix_steps_kernel(
    key, value, inverse_rms, weight, gate, cosine, sine, grams, updates,
    key_sb, key_sh, key_st, key_ss, value_sb, value_sh, value_st, value_ss, gate_sb, gate_sh, gate_st, gate_ss,
    frames, space, scale,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr, SPLITS: tl.constexpr, UPDATE_ROWS: tl.constexpr,
    PREPARED: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Program (head, frame, batch x split): rotated keys and values."""
    head, frame = tl.program_id(0), tl.program_id(1)
    heads = tl.num_programs(0)
    batch, split = tl.program_id(2) // SPLITS, tl.program_id(2) % SPLITS
    wide = batch.to(tl.int64)
    key += wide * key_sb + head * key_sh + frame.to(tl.int64) * key_st
    value += wide * value_sb + head * value_sh + frame.to(tl.int64) * value_st
    gate += wide * gate_sb + head * gate_sh + frame * gate_st
    inverse_rms += (wide * frames + frame) * space
    cosine += frame * space * (DIM // 2)
    sine += frame * space * (DIM // 2)
    weight_a, weight_b = load_weights(weight, head, DIM, HALF)
    p_aa = tl.zeros([HALF, HALF], tl.float32)
    p_ab = tl.zeros([HALF, HALF], tl.float32)
    p_bb = tl.zeros([HALF, HALF], tl.float32)
    u_a = tl.zeros([2 * HALF, HALF], tl.float32)
    u_b = tl.zeros([2 * HALF, HALF], tl.float32)
    share = tl.cdiv(tl.cdiv(space, BLOCK), SPLITS) * BLOCK
    for start in tl.range(split * share, tl.minimum(split * share + share, space), BLOCK, num_stages=STAGES):
        rows = start + tl.arange(0, BLOCK)
        row_mask = rows < space
        even, odd = load_key(
            key, rows, row_mask, key_ss, inverse_rms, weight_a, weight_b, scale, DIM, HALF, BLOCK, PREPARED
        )
        if not PREPARED:
            cos = load_tile(cosine, rows, DIM // 2, row_mask, DIM // 2, HALF)
            sin = load_tile(sine, rows, DIM // 2, row_mask, DIM // 2, HALF)
            even, odd = turn(even, odd, cos, sin)
        beta = tl.load(gate + rows * gate_ss, mask=row_mask, other=0.0).to(tl.float32)[:, None]
        root = tl.sqrt(beta)
        x_a, x_b = (even * root).to(DOT), (odd * root).to(DOT)
        t_a = tl.trans(x_a)
        p_aa = tl.dot(t_a, x_a, p_aa, input_precision=PRECISION)
        p_ab = tl.dot(t_a, x_b, p_ab, input_precision=PRECISION)
        p_bb = tl.dot(tl.trans(x_b), x_b, p_bb, input_precision=PRECISION)
        y_a, y_b = (even * beta).to(DOT), (odd * beta).to(DOT)
        t_v = tl.trans(load_tile(value, rows, value_ss, row_mask, DIM, 2 * HALF).to(DOT))
        u_a = tl.dot(t_v, y_a, u_a, input_precision=PRECISION)
        u_b = tl.dot(t_v, y_b, u_b, input_precision=PRECISION)
    at = ((wide * heads + head) * frames + frame) * SPLITS + split
    grams += at * (3 * HALF * HALF)
    store_block(grams, p_aa, DIM // 2, HALF)
    store_block(grams + HALF * HALF, p_ab, DIM // 2, HALF)
    store_block(grams + 2 * HALF * HALF, p_bb, DIM // 2, HALF)
    rows = tl.arange(0, 2 * HALF)
    columns = tl.arange(0, HALF)
    target = updates + at * (UPDATE_ROWS * 2 * HALF) + rows[:, None] * (2 * HALF) + columns[None, :]
    kept = (rows < DIM)[:, None] & (columns < HALF)[None, :]
    tl.store(target, u_a.to(updates.dtype.element_ty), mask=kept)
    tl.store(target + HALF, u_b.to(updates.dtype.element_ty), mask=kept)


@triton.jit(do_not_specialize=["frames", "space", "gate_sb", "gate_sh", "gate_st"])
def normalizer_steps_kernel(
    key, inverse_rms, weight, gate, grams, updates,
    key_sb, key_sh, key_st, key_ss, gate_sb, gate_sh, gate_st, gate_ss, frames, space, scale, gram_kind,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr, SPLITS: tl.constexpr, UPDATE_ROWS: tl.constexpr,
    PREPARED: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Program (head, frame, batch x split): plain keys and the value 1 of the denominator."""
    head, frame = tl.program_id(0), tl.program_id(1)
    heads = tl.num_programs(0)
    batch, split = tl.program_id(2) // SPLITS, tl.program_id(2) % SPLITS
    wide = batch.to(tl.int64)
    key += wide * key_sb + head * key_sh + frame.to(tl.int64) * key_st
    gate += wide * gate_sb + head * gate_sh + frame * gate_st
    inverse_rms += (wide * frames + frame) * space
    weight_a, weight_b = load_weights(weight, head, DIM, HALF)
    columns = tl.arange(0, HALF)
    spare: tl.constexpr = HALF > DIM // 2  # a padding column is free to carry the value 1
    p_aa = tl.zeros([HALF, HALF], tl.float32)
    p_ab = tl.zeros([HALF, HALF], tl.float32)
    p_bb = tl.zeros([HALF, HALF], tl.float32)
    u_a = tl.zeros([HALF], tl.float32)
    u_b = tl.zeros([HALF], tl.float32)
    share = tl.cdiv(tl.cdiv(space, BLOCK), SPLITS) * BLOCK
    for start in tl.range(split * share, tl.minimum(split * share + share, space), BLOCK, num_stages=STAGES):
        rows = start + tl.arange(0, BLOCK)
        row_mask = rows < space
        even, odd = load_key(
            key, rows, row_mask, key_ss, inverse_rms, weight_a, weight_b, scale, DIM, HALF, BLOCK, PREPARED
        )
        root = tl.sqrt(tl.load(gate + rows * gate_ss, mask=row_mask, other=0.0).to(tl.float32))[:, None]
        even, odd = even * root, odd * root
        if spare:
            odd = tl.where((columns == HALF - 1)[None, :], root, odd)
        else:
            u_a += tl.sum(even * root, axis=0)
            u_b += tl.sum(odd * root, axis=0)
        x_a, x_b = even.to(DOT), odd.to(DOT)
        t_a = tl.trans(x_a)
        p_aa = tl.dot(t_a, x_a, p_aa, input_precision=PRECISION)
        p_ab = tl.dot(t_a, x_b, p_ab, input_precision=PRECISION)
        p_bb = tl.dot(tl.trans(x_b), x_b, p_bb, input_precision=PRECISION)
    if spare:
        last = (columns == HALF - 1)[None, :]
        u_a = tl.sum(tl.where(last, p_ab, 0.0), axis=1)
        u_b = tl.sum(tl.where(last, p_bb, 0.0), axis=1)
    at = ((wide * heads + head) * frames + frame) * SPLITS + split
    grams += gram_kind + at * (3 * HALF * HALF)
    store_block(grams, p_aa, DIM // 2, HALF)
    store_block(grams + HALF * HALF, p_ab, DIM // 2, HALF)
    store_block(grams + 2 * HALF * HALF, p_bb, DIM // 2, HALF)
    target = updates + at * (UPDATE_ROWS * 2 * HALF) + DIM * (2 * HALF) + columns
    inside = columns < DIM // 2
    tl.store(target, tl.where(inside, u_a, 0.0).to(updates.dtype.element_ty))
    tl.store(target + HALF, tl.where(inside, u_b, 0.0).to(updates.dtype.element_ty))
