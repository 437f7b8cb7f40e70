"""The embedded codec: a fixed 3-D DCT with the LTX-2 geometry. It needs no weights and knows nothing of the network."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from model.codecs.dct_basis import block_maps
from model.codecs.protocols import FRAME_STRIDE, LATENT_CHANNELS, SPACE_STRIDE
from model.codecs.statistics import ChannelStatistics


class DctCodec:
    """RGB video to 128 standardized DCT coefficients per 8x32x32 block, and back.

    Decoding a latent frame needs that frame alone, so a stream may be decoded chunk by chunk.

    Args:
        statistics: what the channels are standardized by.
    """

    def __init__(self, statistics: ChannelStatistics) -> None:
        self.statistics = statistics

    @staticmethod
    def unfitted() -> "DctCodec":
        """The codec before any corpus was seen: latents are the plain coefficients."""
        return DctCodec(ChannelStatistics.identity())

    def encode(
        self, video: Float[Tensor, "batch 3 raw_frames height width"]
    ) -> Float[Tensor, "batch 128 frames latent_height latent_width"]:
        """Standardized latents of RGB video in [-1, 1].

        Raises:
            ValueError: not 8k+1 frames, or height or width not a multiple of 32.
        """
        return self.standardize(self.coefficients(video))

    def standardize(
        self, coefficients: Float[Tensor, "batch 128 frames latent_height latent_width"]
    ) -> Float[Tensor, "batch 128 frames latent_height latent_width"]:
        """Latents of the plain coefficients of whole clips."""
        mean, deviation = self._per_frame(coefficients.shape[2], True, coefficients.device)
        return (coefficients - mean) / deviation

    def coefficients(
        self, video: Float[Tensor, "batch 3 raw_frames height width"], starts_clip: bool = True
    ) -> Float[Tensor, "batch 128 frames latent_height latent_width"]:
        """The kept DCT coefficients before standardization: of 8T-7 frames of a clip's start, or of 8T later ones."""
        _check_grid(video.shape, starts_clip)
        parts = [_analyse(video[:, :, :1], 1)] if starts_clip else []
        later = video[:, :, 1:] if starts_clip else video
        if later.shape[2]:
            parts.append(_analyse(later, FRAME_STRIDE))
        return torch.cat(parts, dim=2)

    def decode(
        self, latents: Float[Tensor, "batch 128 frames latent_height latent_width"], starts_clip: bool = True
    ) -> Float[Tensor, "batch 3 raw_frames height width"]:
        """RGB video clamped to [-1, 1]: 8T-7 frames of a clip's start, 8T of a later chunk.

        Raises:
            ValueError: the latents do not have 128 channels.
        """
        if latents.shape[1] != LATENT_CHANNELS:
            raise ValueError(f"latents have {latents.shape[1]} channels; the codec has {LATENT_CHANNELS}")
        mean, deviation = self._per_frame(latents.shape[2], starts_clip, latents.device)
        coefficients = latents.float() * deviation + mean
        parts = []
        if starts_clip:
            parts.append(_synthesize(coefficients[:, :, :1], 1))
            coefficients = coefficients[:, :, 1:]
        if coefficients.shape[2]:
            parts.append(_synthesize(coefficients, FRAME_STRIDE))
        return torch.cat(parts, dim=2).clamp(-1, 1)

    def _per_frame(
        self, frames: int, starts_clip: bool, device: torch.device
    ) -> tuple[Float[Tensor, "1 128 frames 1 1"], Float[Tensor, "1 128 frames 1 1"]]:
        row = torch.ones(frames, dtype=torch.long)
        row[:1] = 0 if starts_clip else 1
        mean, deviation = self.statistics.mean[row], self.statistics.deviation[row]
        shape = "frames channels -> 1 channels frames 1 1"
        return rearrange(mean, shape).to(device), rearrange(deviation, shape).to(device)


def _check_grid(shape: torch.Size, starts_clip: bool) -> None:
    _, colours, count, height, width = shape
    if colours != 3 or (count - starts_clip) % FRAME_STRIDE or height % SPACE_STRIDE or width % SPACE_STRIDE:
        raise ValueError(
            f"video is {colours} x {count} x {height} x {width}; it must be 3 colours, "
            f"{'8k+1' if starts_clip else '8k'} frames, height and width multiples of {SPACE_STRIDE}"
        )


def _analyse(
    video: Float[Tensor, "batch 3 raw_frames height width"], depth: int
) -> Float[Tensor, "batch 128 frames latent_height latent_width"]:
    blocks = rearrange(
        video.float(),
        "b c (t depth) (h row) (w column) -> b t h w (c depth row column)",
        depth=depth,
        row=SPACE_STRIDE,
        column=SPACE_STRIDE,
    )
    return rearrange(blocks @ block_maps(depth).analysis.to(video.device), "b t h w c -> b c t h w")


def _synthesize(
    coefficients: Float[Tensor, "batch 128 frames latent_height latent_width"], depth: int
) -> Float[Tensor, "batch 3 raw_frames height width"]:
    blocks = rearrange(coefficients, "b c t h w -> b t h w c") @ block_maps(depth).synthesis.to(coefficients.device)
    return rearrange(
        blocks,
        "b t h w (c depth row column) -> b c (t depth) (h row) (w column)",
        c=3,
        depth=depth,
        row=SPACE_STRIDE,
        column=SPACE_STRIDE,
    )
