"""The channel statistics of the LTX-2 VAE: what its latents are standardized by (model_spec.md section 5)."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from model.codecs.protocols import LATENT_CHANNELS
from model.codecs.strict_weights import invalid_weights

MEAN_KEY, DEVIATION_KEY = "latents_mean", "latents_std"

Latents = Float[Tensor, "batch 128 frames latent_height latent_width"]


@dataclass(frozen=True)
class LatentStatistics:
    """``z = (x - mean) scaling_factor / deviation``, in float32.

    Attributes:
        mean: per channel.
        deviation: per channel, positive.
        scaling_factor: the VAE's ``scaling_factor`` (1.0 as released).
    """

    mean: Float[Tensor, "128"]
    deviation: Float[Tensor, "128"]
    scaling_factor: float

    @classmethod
    def from_file(cls, path: Path, mean: Tensor, deviation: Tensor, scaling_factor: float) -> "LatentStatistics":
        """Statistics that were read from ``path``.

        Raises:
            InputError: they are not those of 128 channels, or a deviation is not positive.
        """
        if mean.shape != (LATENT_CHANNELS,) or deviation.shape != (LATENT_CHANNELS,):
            shapes = f"{tuple(mean.shape)} and {tuple(deviation.shape)}"
            raise invalid_weights(path, f"{MEAN_KEY} and {DEVIATION_KEY} have shapes {shapes}, expected (128,)")
        if not bool((deviation > 0).all()):
            raise invalid_weights(path, f"{DEVIATION_KEY} has a value that is not positive: {float(deviation.min())}")
        return cls(mean.float(), deviation.float(), scaling_factor)

    def standardize(self, latents: Latents) -> Latents:
        """What the network reads, float32, of what the encoder wrote."""
        mean, factor = self._shaped(latents.device)
        return (latents.float() - mean) / factor

    def restore(self, latents: Latents) -> Latents:
        """What the decoder reads, float32, of what the network wrote."""
        mean, factor = self._shaped(latents.device)
        return latents.float() * factor + mean

    def _shaped(self, device: torch.device) -> tuple[Float[Tensor, "1 128 1 1 1"], Float[Tensor, "1 128 1 1 1"]]:
        shape = (1, LATENT_CHANNELS, 1, 1, 1)
        factor = self.deviation / self.scaling_factor
        return self.mean.to(device).view(shape), factor.to(device).view(shape)
