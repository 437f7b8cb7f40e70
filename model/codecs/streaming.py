"""Decoding a clip that arrives in chunks, with whichever codec there is."""

from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from model.codecs.causal_decoder.cache import DecoderCache
from model.codecs.causal_decoder.decoder import CausalVideoDecoder
from model.codecs.protocols import LatentCodec

Latents = Float[Tensor, "batch 128 frames latent_height latent_width"]
Video = Float[Tensor, "batch 3 raw_frames height width"]


class LatentStream(Protocol):
    """One clip being decoded; make a new one for the next clip."""

    def decode_next(self, latents: Latents) -> Video:
        """RGB video in [-1, 1] of the latent frames that follow those already given."""
        ...


class IndependentChunks:
    """A stream for codecs that decode a latent frame from that frame alone (the embedded DCT codec).

    Args:
        codec: decodes each chunk.
    """

    def __init__(self, codec: LatentCodec) -> None:
        self._codec = codec
        self._starts_clip = True

    def decode_next(self, latents: Latents) -> Video:
        """RGB video in [-1, 1] of the next latent frames."""
        video = self._codec.decode(latents, starts_clip=self._starts_clip)
        self._starts_clip = False
        return video


class CausalChunks:
    """A stream of the causal decoder; its memory does not grow with the clip.

    Args:
        decoder: shared by all streams, which it does not know.
    """

    def __init__(self, decoder: CausalVideoDecoder) -> None:
        self._decoder = decoder
        self._cache: DecoderCache | None = None

    def decode_next(self, latents: Latents) -> Video:
        """RGB video in [-1, 1] of the next latent frames."""
        video, self._cache = self._decoder.decode_chunk(latents, self._cache)
        return video
