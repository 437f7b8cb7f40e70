"""Per frame and head: P = K B K^T and U = V B K^T of the camera branch, with the ray transform inline (Eq. 6)."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917, PLR0915 - Triton: no annotations, constexprs, many pointers

import triton
import triton.language as tl

from kernels.triton_tiles import apply_rays, features, load_tile, load_vector, rotate_tile, store_block


@triton.jit
def to_world(
    tile_a, tile_b, matrices, cosine, sine, rows, row_mask,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr, TRANSPOSED: tl.constexpr,
):  # fmt: skip
    """The 4x4 matrices on the first half of the channels, the rotation on the second; float32 tiles."""
    cos = load_tile(cosine, rows, DIM // 4, row_mask, DIM // 4, HALF // 2)
    sin = load_tile(sine, rows, DIM // 4, row_mask, DIM // 4, HALF // 2)
    moved = apply_rays(tile_a, matrices, rows, row_mask, BLOCK, HALF, TRANSPOSED)
    return moved, rotate_tile(tile_b, cos, sin, BLOCK, HALF)


@triton.jit(do_not_specialize=["frames", "space", "gate_sb", "gate_sh", "gate_st"])
def camera_steps_kernel(
    key, value, inverse_rms, weight, gate, matrices, cosine, sine, grams, updates, growth,
    key_sb, key_sh, key_st, key_ss, value_sb, value_sh, value_st, value_ss, gate_sb, gate_sh, gate_st, gate_ss,
    frames, space, scale,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr, SPLITS: tl.constexpr,
    PREPARED: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Program (head, frame, batch x split); also sums how much the transform has grown the keys' squared norms."""
    head, frame = tl.program_id(0), tl.program_id(1)
    heads = tl.num_programs(0)
    batch, split = tl.program_id(2) // SPLITS, tl.program_id(2) % SPLITS
    wide = batch.to(tl.int64)
    key += wide * key_sb + head * key_sh + frame.to(tl.int64) * key_st
    value += wide * value_sb + head * value_sh + frame.to(tl.int64) * value_st
    gate += wide * gate_sb + head * gate_sh + frame * gate_st
    inverse_rms += (wide * frames + frame) * space
    matrices += (wide * frames + frame) * space * 16
    cosine += frame * space * (DIM // 4)
    sine += frame * space * (DIM // 4)
    weight_a = load_vector(weight + head * DIM, DIM // 2, HALF)
    weight_b = load_vector(weight + head * DIM + DIM // 2, DIM // 2, HALF)
    p_aa = tl.zeros([HALF, HALF], tl.float32)
    p_ab = tl.zeros([HALF, HALF], tl.float32)
    p_bb = tl.zeros([HALF, HALF], tl.float32)
    u_aa = tl.zeros([HALF, HALF], tl.float32)
    u_ab = tl.zeros([HALF, HALF], tl.float32)
    u_ba = tl.zeros([HALF, HALF], tl.float32)
    u_bb = tl.zeros([HALF, HALF], tl.float32)
    grown = tl.zeros([BLOCK], tl.float32)
    share = tl.cdiv(tl.cdiv(space, BLOCK), SPLITS) * BLOCK
    for start in tl.range(split * share, tl.minimum(split * share + share, space), BLOCK, num_stages=STAGES):
        rows = start + tl.arange(0, BLOCK)
        row_mask = rows < space
        k_a = load_tile(key, rows, key_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        k_b = load_tile(key + DIM // 2, rows, key_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        v_a = load_tile(value, rows, value_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        v_b = load_tile(value + DIM // 2, rows, value_ss, row_mask, DIM // 2, HALF).to(tl.float32)
        if not PREPARED:
            inverse = tl.load(inverse_rms + rows, mask=row_mask, other=0.0)
            k_a, k_b = features(k_a, inverse, weight_a, scale), features(k_b, inverse, weight_b, scale)
            before = tl.sum(k_a * k_a, axis=1) + tl.sum(k_b * k_b, axis=1)
            k_a, k_b = to_world(k_a, k_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK, False)
            v_a, v_b = to_world(v_a, v_b, matrices, cosine, sine, rows, row_mask, DIM, HALF, BLOCK, False)
            grown += (tl.sum(k_a * k_a, axis=1) + tl.sum(k_b * k_b, axis=1)) / tl.maximum(before, 1e-12)
        root = tl.sqrt(tl.load(gate + rows * gate_ss, mask=row_mask, other=0.0).to(tl.float32))[:, None]
        x_a, x_b = (k_a * root).to(DOT), (k_b * root).to(DOT)
        t_va, t_vb = tl.trans((v_a * root).to(DOT)), tl.trans((v_b * root).to(DOT))
        t_a = tl.trans(x_a)
        p_aa = tl.dot(t_a, x_a, p_aa, input_precision=PRECISION)
        p_ab = tl.dot(t_a, x_b, p_ab, input_precision=PRECISION)
        p_bb = tl.dot(tl.trans(x_b), x_b, p_bb, input_precision=PRECISION)
        u_aa = tl.dot(t_va, x_a, u_aa, input_precision=PRECISION)
        u_ab = tl.dot(t_va, x_b, u_ab, input_precision=PRECISION)
        u_ba = tl.dot(t_vb, x_a, u_ba, input_precision=PRECISION)
        u_bb = tl.dot(t_vb, x_b, u_bb, input_precision=PRECISION)
    at = ((wide * heads + head) * frames + frame) * SPLITS + split
    tl.store(growth + at, tl.sum(grown, axis=0))
    grams += at * (3 * HALF * HALF)
    store_block(grams, p_aa, DIM // 2, HALF)
    store_block(grams + HALF * HALF, p_ab, DIM // 2, HALF)
    store_block(grams + 2 * HALF * HALF, p_bb, DIM // 2, HALF)
    index = tl.arange(0, HALF)
    target = updates + at * (4 * HALF * HALF) + index[:, None] * (2 * HALF) + index[None, :]
    tl.store(target, u_aa.to(updates.dtype.element_ty))
    tl.store(target + HALF, u_ab.to(updates.dtype.element_ty))
    tl.store(target + 2 * HALF * HALF, u_ba.to(updates.dtype.element_ty))
    tl.store(target + 2 * HALF * HALF + HALF, u_bb.to(updates.dtype.element_ty))
