"""The affine recurrence over frames as a Triton kernel: both directions and all row tiles as separate programs.

A program owns a tile of state rows and walks the frames; the state stays in float32 registers. Per frame::

    S <- g (S - d S P) + d U          P = K B K^T,  U = V B K^T,  d the camera branch's gate discount (1 elsewhere)

Identity and decay act in float32; only the small product S P is rounded. The forward direction stores S after the
frame, the backward one before it (exclusive).
"""
# ruff: noqa: ANN001, ANN201, N803, PLR0913, PLR0917, PLR0915, PLR0912, C901, SIM102 - Triton: no annotations, constexprs, compile-time branches

import triton
import triton.language as tl


@triton.jit
def frame_update(
    gram, update, rows, row_mask, columns, gram_split, update_split,
    SPLITS: tl.constexpr, HALF: tl.constexpr,
):  # fmt: skip
    """P (three blocks) and U (two) of one frame, summed over the splits of its tokens."""
    index = tl.arange(0, HALF)
    square = gram + index[:, None] * HALF + index[None, :]
    cell = update + rows[:, None] * (2 * HALF) + columns[None, :]
    p_aa = tl.load(square)
    p_ab = tl.load(square + HALF * HALF)
    p_bb = tl.load(square + 2 * HALF * HALF)
    u_a = tl.load(cell, mask=row_mask[:, None], other=0.0).to(tl.float32)
    u_b = tl.load(cell + HALF, mask=row_mask[:, None], other=0.0).to(tl.float32)
    for split in tl.static_range(1, SPLITS):
        p_aa = p_aa.to(tl.float32) + tl.load(square + split * gram_split).to(tl.float32)
        p_ab = p_ab.to(tl.float32) + tl.load(square + split * gram_split + HALF * HALF).to(tl.float32)
        p_bb = p_bb.to(tl.float32) + tl.load(square + split * gram_split + 2 * HALF * HALF).to(tl.float32)
        u_a += tl.load(cell + split * update_split, mask=row_mask[:, None], other=0.0).to(tl.float32)
        u_b += tl.load(cell + split * update_split + HALF, mask=row_mask[:, None], other=0.0).to(tl.float32)
    return p_aa, p_ab, p_bb, u_a, u_b


@triton.jit(do_not_specialize=["heads", "frames", "space", "decay_sb", "decay_sh", "decay_st"])
def scan_kernel(
    grams, updates, growth, decay, resets, before, after, states, last_before, last_after,
    heads, frames, space, decay_sb, decay_sh, decay_st, gram_kind, end_rows,
    DIM: tl.constexpr, HALF: tl.constexpr, ROWS: tl.constexpr, TILES: tl.constexpr, UPDATE_ROWS: tl.constexpr,
    SPLITS: tl.constexpr, CAMERA: tl.constexpr, NORMALIZER: tl.constexpr, GRAMS: tl.constexpr, UPDATES: tl.constexpr,
    STATES: tl.constexpr, RESETS: tl.constexpr, BEFORE: tl.constexpr, AFTER: tl.constexpr,
    DOT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Program (tile, direction, batch x head); the tile after the last one is the normalizer's single row."""
    tile, backward = tl.program_id(0), tl.program_id(1)
    pair = tl.program_id(2).to(tl.int64)
    index = tl.arange(0, ROWS)
    columns = tl.arange(0, HALF)
    # Where the tile's rows lie in the scratch (rows), and in states that callers see (outside).
    rows = tile * ROWS + index
    if CAMERA:
        within = rows % HALF
        row_mask = (within < DIM // 2) & (rows < 2 * HALF)
        outside = (rows // HALF) * (DIM // 2) + within
        step_a: tl.constexpr = 1
        offset_b: tl.constexpr = DIM // 2
    else:
        row_mask = rows < DIM
        outside = rows
        step_a: tl.constexpr = 2
        offset_b: tl.constexpr = 1
    gram_base = grams
    if NORMALIZER:
        if tile == TILES:
            gram_base = grams + gram_kind
            rows = DIM + index
            row_mask = index < 1
            outside = DIM + index
    seen = row_mask[:, None] & (columns < DIM // 2)[None, :]
    place = (pair * end_rows + outside[:, None]) * DIM + columns[None, :] * step_a
    state_a = tl.zeros([ROWS, HALF], tl.float32)
    state_b = tl.zeros([ROWS, HALF], tl.float32)
    if BEFORE:
        if backward == 0:
            state_a = tl.load(before + place, mask=seen, other=0.0)
            state_b = tl.load(before + place + offset_b, mask=seen, other=0.0)
    if AFTER:
        if backward == 1:
            state_a = tl.load(after + place, mask=seen, other=0.0)
            state_b = tl.load(after + place + offset_b, mask=seen, other=0.0)
    gram_split: tl.constexpr = 3 * HALF * HALF
    update_split: tl.constexpr = UPDATE_ROWS * 2 * HALF
    cell = rows[:, None] * (2 * HALF) + columns[None, :]
    batch, head = pair // heads, pair % heads
    directions = tl.num_programs(2).to(tl.int64)
    for step in range(frames):
        frame = step + backward * (frames - 1 - 2 * step)
        at = pair * frames + frame
        target = states + ((backward * directions * frames + at) * UPDATE_ROWS) * (2 * HALF) + cell
        if STATES:
            exclusive = (row_mask & (backward == 1))[:, None]
            tl.store(target, state_a.to(states.dtype.element_ty), mask=exclusive)
            tl.store(target + HALF, state_b.to(states.dtype.element_ty), mask=exclusive)
        p_aa, p_ab, p_bb, u_a, u_b = frame_update(
            gram_base + at * SPLITS * gram_split, updates + at * SPLITS * update_split, rows, row_mask, columns,
            gram_split, update_split, SPLITS, HALF,
        )  # fmt: skip
        keep = tl.load(decay + batch * decay_sb + head * decay_sh + frame * decay_st).to(tl.float32)
        discount = 1.0
        if CAMERA:
            grown = 0.0
            for split in tl.static_range(SPLITS):
                grown += tl.load(growth + at * SPLITS + split)
            discount = 1.0 / tl.maximum(grown / space, 1.0)
        if GRAMS:
            old_a, old_b = state_a.to(DOT), state_b.to(DOT)
            p_aa, p_ab, p_bb = p_aa.to(DOT), p_ab.to(DOT), p_bb.to(DOT)
            drop_a = tl.dot(old_a, p_aa, input_precision=PRECISION)
            drop_a = tl.dot(old_b, tl.trans(p_ab), drop_a, input_precision=PRECISION)
            drop_b = tl.dot(old_a, p_ab, input_precision=PRECISION)
            drop_b = tl.dot(old_b, p_bb, drop_b, input_precision=PRECISION)
            state_a -= discount * drop_a
            state_b -= discount * drop_b
        state_a, state_b = keep * state_a, keep * state_b
        if UPDATES:
            state_a += discount * u_a
            state_b += discount * u_b
        if RESETS:
            stop = (tl.load(resets + frame) != 0) & (backward == 1)
            state_a = tl.where(stop, 0.0, state_a)
            state_b = tl.where(stop, 0.0, state_b)
        if STATES:
            inclusive = (row_mask & (backward == 0))[:, None]
            tl.store(target, state_a.to(states.dtype.element_ty), mask=inclusive)
            tl.store(target + HALF, state_b.to(states.dtype.element_ty), mask=inclusive)
    if backward == 0:
        tl.store(last_before + place, state_a, mask=seen)
        tl.store(last_before + place + offset_b, state_b, mask=seen)
    else:
        tl.store(last_after + place, state_a, mask=seen)
        tl.store(last_after + place + offset_b, state_b, mask=seen)
