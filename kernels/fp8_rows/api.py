"""Public entry of the quantization of rows: chooses the backend and nothing else."""

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, choose
from kernels.fp8_rows import reference
from kernels.fp8_rows.types import Fp8Rows


def quantize_rows(features: Float[Tensor, "*rows channels"], backend: Backend = Backend.AUTO) -> Fp8Rows:
    """Rows scaled so that the largest value of each is E4M3's, and rounded; all leading dimensions become rows.

    Args:
        features: any number of rows.
        backend: implementation; ``triton`` reads a row once, where the reference reads it for its maximum and again.
    """
    if choose(backend, "fp8_rows", (features,)) is Backend.REFERENCE:
        return reference.quantize_rows(features)
    from kernels.fp8_rows import ops

    return Fp8Rows(*ops.fp8_rows(features, backend is Backend.AUTO))
