"""Reading the states: sum of both directions, query features, numerator, denominator, quotient, in one kernel."""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917, PLR0915 - Triton: no annotations, constexprs, many pointers

import triton
import triton.language as tl

from kernels.frame_gdn.triton_steps import load_weights
from kernels.triton_tiles import even_odd, features, load_tile, turn


@triton.jit(do_not_specialize=["frames", "space"])
def read_kernel(
    query, rotated, inverse_rms, weight, cosine, sine, states, output,
    query_sb, query_sh, query_st, query_ss, rotated_sb, rotated_sh, rotated_st, rotated_ss,
    frames, space, eps, state_direction,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr, SPLITS: tl.constexpr, UPDATE_ROWS: tl.constexpr,
    PREPARED: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Program (head, frame, batch x split); ``output`` is (batch, frames, space, heads, dim)."""
    head, frame = tl.program_id(0), tl.program_id(1)
    heads = tl.num_programs(0)
    batch, split = tl.program_id(2) // SPLITS, tl.program_id(2) % SPLITS
    wide = batch.to(tl.int64)
    query += wide * query_sb + head * query_sh + frame.to(tl.int64) * query_st
    rotated += wide * rotated_sb + head * rotated_sh + frame.to(tl.int64) * rotated_st
    inverse_rms += (wide * frames + frame) * space
    cosine += frame * space * (DIM // 2)
    sine += frame * space * (DIM // 2)
    output += ((wide * frames + frame) * space * heads + head) * DIM
    weight_a, weight_b = load_weights(weight, head, DIM, HALF)
    channels = tl.arange(0, 2 * HALF)
    columns = tl.arange(0, HALF)
    base = states + ((wide * heads + head) * frames + frame) * (UPDATE_ROWS * 2 * HALF)
    place = base + channels[None, :] * (2 * HALF) + columns[:, None]
    real = (channels < DIM)[None, :] & (columns < HALF)[:, None]
    state_a = tl.load(place, mask=real, other=0.0).to(tl.float32)
    state_a += tl.load(place + state_direction, mask=real, other=0.0).to(tl.float32)
    state_b = tl.load(place + HALF, mask=real, other=0.0).to(tl.float32)
    state_b += tl.load(place + HALF + state_direction, mask=real, other=0.0).to(tl.float32)
    state_a, state_b = state_a.to(DOT), state_b.to(DOT)
    normalizer = base + DIM * (2 * HALF) + columns
    z_a = tl.load(normalizer).to(tl.float32) + tl.load(normalizer + state_direction).to(tl.float32)
    z_b = tl.load(normalizer + HALF).to(tl.float32) + tl.load(normalizer + HALF + state_direction).to(tl.float32)
    share = tl.cdiv(tl.cdiv(space, BLOCK), SPLITS) * BLOCK
    for start in tl.range(split * share, tl.minimum(split * share + share, space), BLOCK, num_stages=STAGES):
        rows = start + tl.arange(0, BLOCK)
        row_mask = rows < space
        even, odd = even_odd(load_tile(query, rows, query_ss, row_mask, DIM, 2 * HALF), BLOCK, HALF)
        if not PREPARED:
            inverse = tl.load(inverse_rms + rows, mask=row_mask, other=0.0)
            even, odd = features(even, inverse, weight_a, 1.0), features(odd, inverse, weight_b, 1.0)
        denominator = tl.sum(even * z_a[None, :] + odd * z_b[None, :], axis=1)
        if PREPARED:
            even, odd = even_odd(load_tile(rotated, rows, rotated_ss, row_mask, DIM, 2 * HALF), BLOCK, HALF)
        else:
            cos = load_tile(cosine, rows, DIM // 2, row_mask, DIM // 2, HALF)
            sin = load_tile(sine, rows, DIM // 2, row_mask, DIM // 2, HALF)
            even, odd = turn(even, odd, cos, sin)
        numerator = tl.dot(even.to(DOT), state_a, input_precision=PRECISION)
        numerator = tl.dot(odd.to(DOT), state_b, numerator, input_precision=PRECISION)
        mixed = numerator / (denominator + eps)[:, None]
        target = output + rows[:, None].to(tl.int64) * heads * DIM + channels[None, :]
        kept = row_mask[:, None] & (channels < DIM)[None, :]
        tl.store(target, mixed.to(output.dtype.element_ty), mask=kept)
