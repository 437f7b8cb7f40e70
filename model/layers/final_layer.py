"""The output layer: modulation by the raw timestep embedding, then a linear map to latent channels."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernels.rows import modulate
from model.config import BackboneConfig


class FinalLayer(nn.Module):
    """Layer norm, shift and scale per frame, projection."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.eps = config.layer_norm_eps
        self.scale_shift_table = nn.Parameter(torch.zeros(2, config.hidden))
        self.linear = nn.Linear(config.hidden, config.latent_channels)

    def forward(
        self, tokens: Float[Tensor, "batch frames space hidden"], timestep: Float[Tensor, "batch frames hidden"]
    ) -> Float[Tensor, "batch frames space channels"]:
        """Map tokens to latent channels."""
        shift, scale = (timestep[:, :, None] + self.scale_shift_table).unbind(2)
        return self.linear(modulate(tokens, shift, scale, self.eps))
