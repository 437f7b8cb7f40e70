"""Channel statistics of a codec: fitted on a corpus in float64, stored with the codec, applied to every latent.

The first frame of a clip and the later ones are different transforms of the same channel, so each has its own row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from model.codecs.protocols import LATENT_CHANNELS

# A channel that never varies (still frames have no time frequencies) is scaled by this, 0.5% of the RGB range.
SMALLEST_DEVIATION = 1e-2


@dataclass(frozen=True)
class ChannelStatistics:
    """Row 0 standardizes latent frame 0, row 1 all others.

    Attributes:
        mean: mean coefficient per channel.
        deviation: standard deviation per channel, never below ``SMALLEST_DEVIATION``.
        clips: how many clips they were fitted on; 0 for the identity.
    """

    mean: Float[Tensor, "2 channels"]
    deviation: Float[Tensor, "2 channels"]
    clips: int

    @staticmethod
    def identity() -> "ChannelStatistics":
        """Mean 0, deviation 1."""
        return ChannelStatistics(torch.zeros(2, LATENT_CHANNELS), torch.ones(2, LATENT_CHANNELS), 0)


@dataclass(frozen=True)
class Moments:
    """Count, sum and sum of squares per channel, float64, of the first frame (row 0) and of the others (row 1)."""

    count: Float[Tensor, "2"]
    total: Float[Tensor, "2 channels"]
    square: Float[Tensor, "2 channels"]


def moments(coefficients: Float[Tensor, "channels frames height width"]) -> Moments:
    """Moments of the raw coefficients of one clip."""
    parts = [coefficients[:, :1].double().flatten(1), coefficients[:, 1:].double().flatten(1)]
    return Moments(
        count=torch.tensor([float(part.shape[1]) for part in parts], dtype=torch.float64),
        total=torch.stack([part.sum(1) for part in parts]),
        square=torch.stack([part.square().sum(1) for part in parts]),
    )


def fit_statistics(clips: Sequence[Moments]) -> ChannelStatistics:
    """Mean and deviation over all clips; the order of ``clips`` decides the last bit, so callers sort.

    Raises:
        ValueError: no clip.
    """
    if not clips:
        raise ValueError("channel statistics need at least one clip")
    count = torch.stack([clip.count for clip in clips]).sum(0).clamp(min=1)[:, None]
    mean = torch.stack([clip.total for clip in clips]).sum(0) / count
    variance = torch.stack([clip.square for clip in clips]).sum(0) / count - mean.square()
    deviation = variance.clamp(min=SMALLEST_DEVIATION**2).sqrt()
    return ChannelStatistics(mean.float(), deviation.float(), len(clips))
