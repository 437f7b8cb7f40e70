"""Rows in FP8."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

E4M3_MAXIMUM = 448.0
SMALLEST_SCALE = 1e-12


@dataclass(frozen=True)
class Fp8Rows:
    """Rows as ``codes * scale``, a scale for every row."""

    codes: Tensor  # jaxtyping has no checked name for E4M3
    scale: Float[Tensor, "rows 1"]
