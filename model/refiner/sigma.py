"""Noise levels of refiner training: a shifted logit-normal, truncated to ``(0, sigma_start]`` (App. A).

``sigma = sigmoid(mu + z)``, ``z ~ N(0, 1)``, where ``mu`` grows linearly with the token count of LTX-2 (0.95 at 1024
tokens, 2.05 at 4096). Left unclamped it reaches 38.7 for a one-minute clip (106 480 tokens), where every sigma rounds
to 1; it is clamped to the range LTX-2 was trained in.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

_TOKENS = (1024, 4096)
_SHIFTS = (0.95, 2.05)


def token_shift(tokens: int) -> float:
    """``mu`` for a sequence of ``tokens``, clamped to [0.95, 2.05].

    >>> token_shift(1024), token_shift(106_480)
    (0.95, 2.05)
    """
    slope = (_SHIFTS[1] - _SHIFTS[0]) / (_TOKENS[1] - _TOKENS[0])
    return min(max(_SHIFTS[0] + slope * (tokens - _TOKENS[0]), _SHIFTS[0]), _SHIFTS[1])


def truncated_sigma(uniform: Float[Tensor, " batch"], tokens: int, sigma_start: float) -> Float[Tensor, " batch"]:
    """Map uniform numbers in [0, 1) to the truncated distribution by its inverse CDF, in float64.

    With ``F`` the untruncated CDF, ``sigma = F^-1(u * F(sigma_start))``; ``u = 0`` is moved to the smallest positive
    number so that sigma stays positive.

    Raises:
        ValueError: ``sigma_start`` is outside (0, 1].
    """
    if not 0 < sigma_start <= 1:
        raise ValueError(f"sigma_start must lie in (0, 1], got {sigma_start}")
    shift = token_shift(tokens)
    mass = 1.0 if sigma_start == 1 else torch.special.ndtr(_scalar(_logit(sigma_start) - shift)).item()
    quantile = (uniform.double() * mass).clamp(min=torch.finfo(torch.float64).tiny, max=1 - 2.0**-53)
    sigma = torch.sigmoid(torch.special.ndtri(quantile) + shift)
    return sigma.clamp(max=sigma_start).float()


def _scalar(value: float) -> Float[Tensor, ""]:
    return torch.tensor(value, dtype=torch.float64)


def _logit(probability: float) -> float:
    return math.log(probability) - math.log1p(-probability)
