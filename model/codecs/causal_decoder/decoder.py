"""The causal decoder with its latent statistics: standardized latents to clamped video, whole or chunk by chunk."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from model.codecs.causal_decoder.cache import DecoderCache
from model.codecs.causal_decoder.network import DecoderNetwork
from model.codecs.latent_statistics import LatentStatistics

Latents = Float[Tensor, "batch 128 frames latent_height latent_width"]
Video = Float[Tensor, "batch 3 raw_frames height width"]


@dataclass(frozen=True)
class CausalVideoDecoder:
    """Decoding any division of a clip into chunks gives the video of the whole clip.

    It may be compiled (``compiled``): the cache is an argument and a result of the network, so nothing is lost between
    calls, which is what breaks the authors' decoder under torch.compile.

    Attributes:
        network: the weights; it decides device and type of the arithmetic.
        statistics: what the latents were standardized by.
    """

    network: DecoderNetwork
    statistics: LatentStatistics

    def decode(self, latents: Latents) -> Video:
        """RGB video in [-1, 1] of a whole clip: ``8T-7`` frames of ``T`` latent frames, 32 times as high and wide."""
        return self.decode_chunk(latents, None)[0]

    @torch.no_grad()
    def decode_chunk(self, latents: Latents, cache: DecoderCache | None) -> tuple[Video, DecoderCache]:
        """Video of the next latent frames, and the cache for those after them.

        ``cache`` is None at the start of a clip, where the first latent frame is one raw frame; every other latent
        frame is eight.

        Raises:
            ValueError: no frame is given, or the latents are below 2x2 positions (space is padded by reflection).
        """
        if latents.shape[2] < 1 or min(latents.shape[3:]) < 2:
            raise ValueError(f"latents are {tuple(latents.shape)}; at least one frame of 2x2 positions is needed")
        parameter = next(self.network.parameters())
        restored = self.statistics.restore(latents.to(parameter.device)).to(parameter.dtype)
        video, following = self.network(restored, cache)
        return video.float().clamp(-1, 1), following

    def compiled(self, backend: str = "inductor") -> "CausalVideoDecoder":
        """This decoder with its network compiled in place, one graph per chunk shape.

        Args:
            backend: of torch.compile.
        """
        self.network.compile(backend=backend, fullgraph=True, dynamic=False)
        return self
