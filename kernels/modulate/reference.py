"""Layer norm without affine, then ``x (1 + scale) + shift``."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def modulate(
    tokens: Float[Tensor, "batch frames space channels"],
    shift: Float[Tensor, "batch frames channels"],
    scale: Float[Tensor, "batch frames channels"],
    eps: float,
) -> Float[Tensor, "batch frames space channels"]:
    """See ``kernels.modulate.api.modulate``."""
    normed = functional.layer_norm(tokens, tokens.shape[-1:], eps=eps)
    return normed * (1 + scale[:, :, None]) + shift[:, :, None]
