"""Embedders of latents, raymaps, timesteps and captions. Parameter names are those of the released checkpoints."""

import math

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from model.config import BackboneConfig


class PatchEmbedder(nn.Module):
    """A 1x1x1 convolution: one token per latent cell."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Conv3d(channels, hidden, kernel_size=1)

    def forward(
        self, video: Float[Tensor, "batch channels frames height width"]
    ) -> Float[Tensor, "batch frames space hidden"]:
        """Embed every cell; tokens in row-major order within a frame."""
        cells = rearrange(video, "b c t h w -> b t (h w) c")
        return nn.functional.linear(cells, self.proj.weight.flatten(1), self.proj.bias)


class TimestepEmbedder(nn.Module):
    """Sinusoidal features of the integer timestep, then an MLP."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.channels = config.timestep_channels
        self.mlp = nn.Sequential(
            nn.Linear(self.channels, config.hidden), nn.SiLU(), nn.Linear(config.hidden, config.hidden)
        )

    def forward(self, timesteps: Float[Tensor, "batch frames"]) -> Float[Tensor, "batch frames hidden"]:
        """Embed timesteps in 0..1000; they are truncated to integers first, as in the released code."""
        half = self.channels // 2
        exponent = torch.arange(half, dtype=torch.float32, device=timesteps.device) / half
        angles = timesteps.long().float()[..., None] * torch.exp(-math.log(10000.0) * exponent)
        features = torch.cat((angles.cos(), angles.sin()), dim=-1)
        return self.mlp(features.to(next(self.mlp.parameters()).dtype))


class CaptionMLP(nn.Module):
    """Two linear layers with a tanh-GELU between."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, hidden)

    def forward(self, states: Float[Tensor, "batch tokens channels"]) -> Float[Tensor, "batch tokens hidden"]:
        """Project each token."""
        return self.fc2(nn.functional.gelu(self.fc1(states), approximate="tanh"))


class CaptionEmbedder(nn.Module):
    """Text encoder states to token width."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.y_proj = CaptionMLP(config.caption_channels, config.hidden)

    def forward(self, states: Float[Tensor, "batch tokens channels"]) -> Float[Tensor, "batch tokens hidden"]:
        """Project each token."""
        return self.y_proj(states)
