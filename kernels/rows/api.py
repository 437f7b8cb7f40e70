"""Public entry of what is done to rows: chooses the backend and nothing else.

The Triton kernels read each operand once, compute in float32 and round what they write; the references round after
every operation. They compute no gradients: ``auto`` is the reference where one is required. A compiled model may make
any of them write FP8 besides or instead (``kernels.rows.epilogue``).
"""

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, choose
from kernels.rows import reference
from kernels.rows.reference import Tokens, Vectors
from kernels.rows.types import Fp8Rows


def quantize_rows(features: Float[Tensor, "*rows channels"], backend: Backend = Backend.AUTO) -> Fp8Rows:
    """Rows scaled so that the largest value of each is E4M3's, and rounded; all leading dimensions become rows.

    Args:
        features: any number of rows.
        backend: implementation.
    """
    if choose(backend, "fp8_rows", (features,)) is Backend.REFERENCE:
        return reference.quantize_rows(features)
    from kernels.rows import ops

    return Fp8Rows(*ops.fp8_rows(features, backend is Backend.AUTO))


def modulate(tokens: Tokens, shift: Vectors, scale: Vectors, eps: float, backend: Backend = Backend.AUTO) -> Tokens:
    """Layer norm without affine, then ``x (1 + scale) + shift`` with one vector per frame (adaptive layer norm).

    Args:
        tokens: rows to normalize over their channels.
        shift: added, one vector per frame.
        scale: one vector per frame; 0 leaves the normed row as it is.
        eps: added to the variance.
        backend: implementation.
    """
    if choose(backend, "modulate", (tokens, shift, scale)) is Backend.REFERENCE:
        return reference.modulate(tokens, shift, scale, eps)
    from kernels.rows import ops

    return ops.modulate(tokens, shift, scale, eps, True, False, backend is Backend.AUTO)[0]


def add_modulate(
    tokens: Tokens, update: Tokens, shift: Vectors, scale: Vectors, eps: float, backend: Backend = Backend.AUTO
) -> tuple[Tokens, Tokens]:
    """``total = tokens + update``, and ``modulate(total)``; returns both.

    Args:
        tokens: the residual stream.
        update: added to it.
        shift: as in ``modulate``.
        scale: as in ``modulate``.
        eps: as in ``modulate``.
        backend: implementation.
    """
    if choose(backend, "add_modulate", (tokens, update, shift, scale)) is Backend.REFERENCE:
        return reference.add_modulate(tokens, update, shift, scale, eps)
    from kernels.rows import ops

    normed, _, _, total = ops.add_modulate(tokens, update, shift, scale, eps, True, False, backend is Backend.AUTO)
    return total, normed


def add_gated(
    tokens: Tokens, update: Tokens, gate: Vectors, extra: Tokens | None, backend: Backend = Backend.AUTO
) -> Tokens:
    """``tokens + gate * update + extra``, the gate one vector per frame.

    Args:
        tokens: the residual stream.
        update: added to it through the gate.
        gate: one vector per frame.
        extra: added as it is; None for nothing.
        backend: implementation.
    """
    given = (tokens, update, gate) if extra is None else (tokens, update, gate, extra)
    if choose(backend, "add_gated", given) is Backend.REFERENCE:
        return reference.add_gated(tokens, update, gate, extra)
    from kernels.rows import ops

    return ops.add_gated(tokens, update, gate, extra, True, False, backend is Backend.AUTO)[0]


def gated_sum(
    main: Float[Tensor, "batch heads frames space dim"],
    camera: Tokens | None,
    gate: Tokens,
    backend: Backend = Backend.AUTO,
) -> Tokens:
    """``(main + camera) silu(gate)`` with heads merged into channels.

    Args:
        main: of the main branch, by heads.
        camera: of the camera branch, projected; None without one.
        gate: before the SiLU; its type is the result's.
        backend: implementation.
    """
    given = (gate, main) if camera is None else (gate, main, camera)
    if choose(backend, "gated_sum", given) is Backend.REFERENCE:
        return reference.gated_sum(main, camera, gate)
    from kernels.rows import ops

    return ops.gated_sum(main, camera, gate, True, False, backend is Backend.AUTO)[0]
