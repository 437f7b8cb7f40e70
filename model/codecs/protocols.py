"""What a video codec and a text encoder are to the rest of the project.

Every video codec has the LTX-2 geometry: 128 channels, strides of 8 frames and 32x32 pixels, and a causal first frame
(raw frame 0 alone gives latent frame 0; latent frame ``t`` holds raw frames ``8t-7 .. 8t``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Bool, Float
from torch import Tensor

LATENT_CHANNELS = 128
FRAME_STRIDE = 8
SPACE_STRIDE = 32


def latent_frames(raw_frames: int) -> int:
    """Latent frames of a clip of ``8k+1`` raw frames.

    Raises:
        ValueError: the count is not ``8k+1``.
    """
    if raw_frames < 1 or (raw_frames - 1) % FRAME_STRIDE:
        raise ValueError(f"raw_frames is {raw_frames}; a clip has 8k+1 frames (1, 9, 17, ...)")
    return (raw_frames - 1) // FRAME_STRIDE + 1


def raw_frames(frames: int) -> int:
    """Raw frames behind ``frames`` latent frames that start a clip."""
    return (frames - 1) * FRAME_STRIDE + 1


class LatentEncoder(Protocol):
    """Video to standardized latents."""

    def encode(
        self, video: Float[Tensor, "batch 3 raw_frames height width"]
    ) -> Float[Tensor, "batch 128 frames latent_height latent_width"]:
        """Latents of RGB video in [-1, 1]; ``raw_frames`` is 8k+1, height and width are multiples of 32."""
        ...


class LatentCodec(LatentEncoder, Protocol):
    """Video to standardized latents and back."""

    def decode(
        self, latents: Float[Tensor, "batch 128 frames latent_height latent_width"], starts_clip: bool = True
    ) -> Float[Tensor, "batch 3 raw_frames height width"]:
        """RGB video in [-1, 1]. With ``starts_clip`` the first latent frame is one raw frame, else it is eight."""
        ...


@dataclass(frozen=True)
class EncodedText:
    """Features of a batch of texts.

    Attributes:
        states: one feature per token; padding tokens are zero.
        mask: True where a token is real. The first token always is.
    """

    states: Float[Tensor, "batch tokens caption_channels"]
    mask: Bool[Tensor, "batch tokens"]


class TextEncoder(Protocol):
    """Words to features for cross attention."""

    def encode(self, texts: Sequence[str]) -> EncodedText:
        """Features of each text; the empty text is the null condition of classifier-free guidance."""
        ...
