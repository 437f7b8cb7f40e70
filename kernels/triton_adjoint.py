"""The affine recurrence's gradients as Triton kernels: both adjoint scans, then every frame's transition.

Per frame, with D what the frame's reads send to its states (``kernels.affine_adjoint``)::

    A <- A M + D     walked from the last frame to the first, stored after the sum
    X <- X M + D     walked from the first frame to the last, stored before the product

Identity and decay act in float32; only the small product with P is rounded.
"""
# ruff: noqa: ANN001, ANN201, D103, N803, PLR0913, PLR0917, PLR0915, PLR0912, C901 - Triton: no annotations, constexprs, compile-time branches

import triton
import triton.language as tl

from kernels.triton_scan import frame_update


@triton.jit
def gate_discount(growth, at, space, SPLITS: tl.constexpr):
    """The keys' mean inflation in a frame, and what the gate is multiplied by."""
    grown = 0.0
    for split in tl.static_range(SPLITS):
        grown += tl.load(growth + at * SPLITS + split)
    mean = grown / space
    return mean, 1.0 / tl.maximum(mean, 1.0)


@triton.jit
def real_rows(rows, DIM: tl.constexpr, HALF: tl.constexpr, CAMERA: tl.constexpr):
    """Which rows of a state lie in the scratch and mean something."""
    if CAMERA:
        return ((rows % HALF) < DIM // 2) & (rows < 2 * HALF)
    return rows < DIM


@triton.jit(do_not_specialize=["heads", "frames", "space", "decay_sb", "decay_sh", "decay_st"])
def adjoint_scan_kernel(
    grams, growth, decay, resets, reads, last, adjoints, before_gradient, after_gradient,
    heads, frames, space, decay_sb, decay_sh, decay_st, gram_kind, end_rows,
    DIM: tl.constexpr, HALF: tl.constexpr, ROWS: tl.constexpr, TILES: tl.constexpr, UPDATE_ROWS: tl.constexpr,
    SPLITS: tl.constexpr, CAMERA: tl.constexpr, RESETS: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Program (tile, direction, batch x head); direction 0 walks back in time and is A, direction 1 is X.

    The tile after the last one is the normalizer's single row (main branch).
    """
    tile, ahead = tl.program_id(0), tl.program_id(1)
    pair = tl.program_id(2).to(tl.int64)
    index, columns = tl.arange(0, ROWS), tl.arange(0, HALF)
    rows = tile * ROWS + index
    row_mask = real_rows(rows, DIM, HALF, CAMERA)
    gram_base = grams
    if CAMERA:
        outside = (rows // HALF) * (DIM // 2) + rows % HALF
        step_a: tl.constexpr = 1
        offset_b: tl.constexpr = DIM // 2
    else:
        outside = rows
        step_a: tl.constexpr = 2
        offset_b: tl.constexpr = 1
        if tile == TILES:
            gram_base = grams + gram_kind
            rows = DIM + index
            row_mask = index < 1
            outside = DIM + index
    seen = row_mask[:, None] & (columns < DIM // 2)[None, :]
    place = (pair * end_rows + outside[:, None]) * DIM + columns[None, :] * step_a
    first = seen & (ahead == 0)
    state_a = tl.load(last + place, mask=first, other=0.0)
    state_b = tl.load(last + place + offset_b, mask=first, other=0.0)
    cell_size: tl.constexpr = UPDATE_ROWS * 2 * HALF
    cell = rows[:, None] * (2 * HALF) + columns[None, :]
    batch, head = pair // heads, pair % heads
    directions = tl.num_programs(2).to(tl.int64)
    for step in range(frames):
        frame = frames - 1 - step + ahead * (2 * step - frames + 1)
        at = pair * frames + frame
        target = adjoints + (ahead * directions * frames + at) * cell_size + cell
        p_aa, p_ab, p_bb, d_a, d_b = frame_update(
            gram_base + at * SPLITS * (3 * HALF * HALF), reads + at * cell_size, rows, row_mask, columns,
            3 * HALF * HALF, 0, 1, HALF,
        )  # fmt: skip
        for split in tl.static_range(1, SPLITS):
            more_aa, more_ab, more_bb, _, _ = frame_update(
                gram_base + (at * SPLITS + split) * (3 * HALF * HALF), reads + at * cell_size, rows, row_mask, columns,
                3 * HALF * HALF, 0, 1, HALF,
            )  # fmt: skip
            p_aa, p_ab, p_bb = (
                p_aa.to(tl.float32) + more_aa,
                p_ab.to(tl.float32) + more_ab,
                p_bb.to(tl.float32) + more_bb,
            )
        if RESETS:
            stop = (tl.load(resets + frame) != 0) & (ahead == 1)
            state_a = tl.where(stop, 0.0, state_a)
            state_b = tl.where(stop, 0.0, state_b)
        handed = (row_mask & (ahead == 1))[:, None]
        tl.store(target, state_a.to(adjoints.dtype.element_ty), mask=handed)
        tl.store(target + HALF, state_b.to(adjoints.dtype.element_ty), mask=handed)
        if ahead == 0:
            state_a += d_a
            state_b += d_b
        inclusive = (row_mask & (ahead == 0))[:, None]
        tl.store(target, state_a.to(adjoints.dtype.element_ty), mask=inclusive)
        tl.store(target + HALF, state_b.to(adjoints.dtype.element_ty), mask=inclusive)
        keep = tl.load(decay + batch * decay_sb + head * decay_sh + frame * decay_st).to(tl.float32)
        discount = 1.0
        if CAMERA:
            _, discount = gate_discount(growth, at, space, SPLITS)
        old_a, old_b = state_a.to(DOT), state_b.to(DOT)
        p_aa, p_ab, p_bb = p_aa.to(DOT), p_ab.to(DOT), p_bb.to(DOT)
        drop_a = tl.dot(old_a, p_aa, input_precision=PRECISION)
        drop_a = tl.dot(old_b, tl.trans(p_ab), drop_a, input_precision=PRECISION)
        drop_b = tl.dot(old_a, p_ab, input_precision=PRECISION)
        drop_b = tl.dot(old_b, p_bb, drop_b, input_precision=PRECISION)
        state_a, state_b = keep * (state_a - discount * drop_a), keep * (state_b - discount * drop_b)
        if ahead == 1:
            state_a += d_a
            state_b += d_b
    if ahead == 0:
        tl.store(before_gradient + place, state_a, mask=seen)
        tl.store(before_gradient + place + offset_b, state_b, mask=seen)
    else:
        tl.store(after_gradient + place, state_a, mask=seen)
        tl.store(after_gradient + place + offset_b, state_b, mask=seen)


@triton.jit
def earlier_state(states, before, pair, frame, frames, CELL: tl.constexpr):
    """Where the forward state before a frame lies."""
    base = before + pair * CELL
    if frame > 0:
        base = states + (pair * frames + frame - 1) * CELL
    return base


@triton.jit
def trace(block, HALF: tl.constexpr):
    index = tl.arange(0, HALF)
    return tl.sum(tl.where(index[:, None] == index[None, :], block, 0.0))


@triton.jit
def gram_inner(gram, h_aa, h_ab, h_bb, SPLITS: tl.constexpr, HALF: tl.constexpr):
    """``<H, P> / 2`` of two symmetric matrices in three blocks; P is summed over its splits."""
    index = tl.arange(0, HALF)
    square = gram + index[:, None] * HALF + index[None, :]
    total = 0.0
    for split in tl.static_range(SPLITS):
        block = square + split * (3 * HALF * HALF)
        total += 0.5 * tl.sum(h_aa * tl.load(block).to(tl.float32))
        total += tl.sum(h_ab * tl.load(block + HALF * HALF).to(tl.float32))
        total += 0.5 * tl.sum(h_bb * tl.load(block + 2 * HALF * HALF).to(tl.float32))
    return total


@triton.jit
def outer(x, y):
    return x[:, None] * y[None, :]


@triton.jit
def normalizer_decay(gram, rows_z, rows_a, rows_r, rows_x, SPLITS: tl.constexpr, HALF: tl.constexpr):
    """The normalizer's share of a decay's gradient: its state is one row, so H is a sum of outer products."""
    columns = tl.arange(0, HALF)
    z_a, z_b = tl.load(rows_z + columns).to(tl.float32), tl.load(rows_z + HALF + columns).to(tl.float32)
    a_a, a_b = tl.load(rows_a + columns).to(tl.float32), tl.load(rows_a + HALF + columns).to(tl.float32)
    r_a, r_b = tl.load(rows_r + columns).to(tl.float32), tl.load(rows_r + HALF + columns).to(tl.float32)
    x_a, x_b = tl.load(rows_x + columns).to(tl.float32), tl.load(rows_x + HALF + columns).to(tl.float32)
    h_aa = outer(z_a, a_a) + outer(a_a, z_a) + outer(r_a, x_a) + outer(x_a, r_a)
    h_ab = outer(z_a, a_b) + outer(a_a, z_b) + outer(r_a, x_b) + outer(x_a, r_b)
    h_bb = outer(z_b, a_b) + outer(a_b, z_b) + outer(r_b, x_b) + outer(x_b, r_b)
    direct = tl.sum(z_a * a_a) + tl.sum(z_b * a_b) + tl.sum(r_a * x_a) + tl.sum(r_b * x_b)
    return direct - gram_inner(gram, h_aa, h_ab, h_bb, SPLITS, HALF)


@triton.jit(do_not_specialize=["heads", "frames", "space", "decay_sb", "decay_sh", "decay_st"])
def transition_backward_kernel(
    grams, updates, growth, decay, states, before, adjoints, corrections, decay_gradient, growth_gradient,
    heads, frames, space, decay_sb, decay_sh, decay_st, gram_kind, direction,
    DIM: tl.constexpr, HALF: tl.constexpr, ROWS: tl.constexpr, UPDATE_ROWS: tl.constexpr, SPLITS: tl.constexpr,
    CAMERA: tl.constexpr, DOT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Program (frame, batch x head): ``-g H`` with ``H = dM + dM^T``, dg, and the gradient of the keys' growth."""
    frame = tl.program_id(0)
    pair = tl.program_id(1).to(tl.int64)
    at = pair * frames + frame
    cell_size: tl.constexpr = UPDATE_ROWS * 2 * HALF
    earlier = earlier_state(states, before, pair, frame, frames, cell_size)
    later = states + direction + at * cell_size
    inclusive = adjoints + at * cell_size
    handed = inclusive + direction
    columns = tl.arange(0, HALF)
    h_aa = tl.zeros([HALF, HALF], tl.float32)
    h_ab = tl.zeros([HALF, HALF], tl.float32)
    h_bb = tl.zeros([HALF, HALF], tl.float32)
    updated = 0.0
    for start in tl.range(0, 2 * HALF, ROWS):
        rows = start + tl.arange(0, ROWS)
        kept = real_rows(rows, DIM, HALF, CAMERA)[:, None]
        cell = rows[:, None] * (2 * HALF) + columns[None, :]
        s_a = tl.load(earlier + cell, mask=kept, other=0.0).to(DOT)
        s_b = tl.load(earlier + HALF + cell, mask=kept, other=0.0).to(DOT)
        a_a = tl.load(inclusive + cell, mask=kept, other=0.0).to(DOT)
        a_b = tl.load(inclusive + HALF + cell, mask=kept, other=0.0).to(DOT)
        r_a = tl.load(later + cell, mask=kept, other=0.0).to(DOT)
        r_b = tl.load(later + HALF + cell, mask=kept, other=0.0).to(DOT)
        x_a = tl.load(handed + cell, mask=kept, other=0.0).to(DOT)
        x_b = tl.load(handed + HALF + cell, mask=kept, other=0.0).to(DOT)
        h_aa = tl.dot(tl.trans(s_a), a_a, h_aa, input_precision=PRECISION)
        h_aa = tl.dot(tl.trans(r_a), x_a, h_aa, input_precision=PRECISION)
        h_bb = tl.dot(tl.trans(s_b), a_b, h_bb, input_precision=PRECISION)
        h_bb = tl.dot(tl.trans(r_b), x_b, h_bb, input_precision=PRECISION)
        h_ab = tl.dot(tl.trans(s_a), a_b, h_ab, input_precision=PRECISION)
        h_ab = tl.dot(tl.trans(a_a), s_b, h_ab, input_precision=PRECISION)
        h_ab = tl.dot(tl.trans(r_a), x_b, h_ab, input_precision=PRECISION)
        h_ab = tl.dot(tl.trans(x_a), r_b, h_ab, input_precision=PRECISION)
        if CAMERA:
            for split in tl.static_range(SPLITS):
                u_a = tl.load(updates + (at * SPLITS + split) * cell_size + cell, mask=kept, other=0.0)
                u_b = tl.load(updates + (at * SPLITS + split) * cell_size + HALF + cell, mask=kept, other=0.0)
                updated += tl.sum((a_a.to(tl.float32) + x_a.to(tl.float32)) * u_a.to(tl.float32))
                updated += tl.sum((a_b.to(tl.float32) + x_b.to(tl.float32)) * u_b.to(tl.float32))
    h_aa += tl.trans(h_aa)
    h_bb += tl.trans(h_bb)
    keep = tl.load(decay + (pair // heads) * decay_sb + (pair % heads) * decay_sh + frame * decay_st).to(tl.float32)
    gram = grams + at * SPLITS * (3 * HALF * HALF)
    inner = gram_inner(gram, h_aa, h_ab, h_bb, SPLITS, HALF)
    direct = 0.5 * (trace(h_aa, HALF) + trace(h_bb, HALF))
    if CAMERA:
        mean, discount = gate_discount(growth, at, space, SPLITS)
        tl.store(decay_gradient + at, direct - discount * inner)
        toward_mean = -discount * discount * (updated - keep * inner)
        tl.store(growth_gradient + at, tl.where(mean > 1.0, toward_mean / space, 0.0))
    else:
        row: tl.constexpr = DIM * 2 * HALF
        plain = normalizer_decay(
            gram + gram_kind, earlier + row, inclusive + row, later + row, handed + row, SPLITS, HALF
        )
        tl.store(decay_gradient + at, direct - inner + plain)
    target = corrections + at * (3 * HALF * HALF) + columns[:, None] * HALF + columns[None, :]
    tl.store(target, (-keep * h_aa).to(corrections.dtype.element_ty))
    tl.store(target + HALF * HALF, (-keep * h_ab).to(corrections.dtype.element_ty))
    tl.store(target + 2 * HALF * HALF, (-keep * h_bb).to(corrections.dtype.element_ty))
