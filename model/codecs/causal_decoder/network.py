"""The network of the causal decoder, its parameters under the released names (``decoder.*`` of the VAE)."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from model.codecs.causal_decoder.cache import DecoderCache, ResidualCache, UpBlockCache
from model.codecs.causal_decoder.config import CausalDecoderConfig
from model.codecs.causal_decoder.layers import CausalConv3d, Features, Upsampler, activated

Video = Float[Tensor, "batch 3 raw_frames height width"]


class ResidualBlock(nn.Module):
    """``x + conv2(act(conv1(act(x))))``, both convolutions causal.

    Args:
        channels: channels read and written.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = CausalConv3d(channels, channels)
        self.conv2 = CausalConv3d(channels, channels)

    def forward(self, features: Features, cache: ResidualCache | None) -> tuple[Features, ResidualCache]:
        """The same shape, and the next cache."""
        change, first = self.conv1(activated(features), cache.first if cache else None)
        change, second = self.conv2(activated(change), cache.second if cache else None)
        return features + change, ResidualCache(first, second)


def _run(
    blocks: nn.ModuleList, features: Features, caches: tuple[ResidualCache, ...] | None
) -> tuple[Features, tuple[ResidualCache, ...]]:
    following: list[ResidualCache] = []
    for index, block in enumerate(blocks):
        features, cache = block(features, caches[index] if caches else None)
        following.append(cache)
    return features, tuple(following)


class UpBlock(nn.Module):
    """An upsampling, then residual blocks at the new size.

    Args:
        channels: channels read; half of them are written.
        layers: number of residual blocks.
    """

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.upsamplers = nn.ModuleList([Upsampler(channels)])
        self.resnets = nn.ModuleList(ResidualBlock(channels // 2) for _ in range(layers))

    def forward(self, features: Features, cache: UpBlockCache | None) -> tuple[Features, UpBlockCache]:
        """Features of twice the frames, height and width, and the next cache."""
        features, tail = self.upsamplers[0](features, cache.upsampler if cache else None)
        features, residuals = _run(self.resnets, features, cache.residuals if cache else None)
        return features, UpBlockCache(tail, residuals)


class Middle(nn.Module):
    """Residual blocks at the size of the latents.

    Args:
        channels: channels read and written.
        layers: number of residual blocks.
    """

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(ResidualBlock(channels) for _ in range(layers))


class DecoderNetwork(nn.Module):
    """Latents as the VAE's encoder writes them (not standardized) to video, unclamped.

    Args:
        config: its sizes.
    """

    def __init__(self, config: CausalDecoderConfig) -> None:
        super().__init__()
        self._patch = config.patch
        self.conv_in = CausalConv3d(config.latent_channels, config.middle)
        self.mid_block = Middle(config.middle, config.layers[-1])
        inwards = list(zip(config.block_channels, config.layers[:-1], strict=True))
        self.up_blocks = nn.ModuleList(UpBlock(channels, layers) for channels, layers in reversed(inwards))
        self.conv_out = CausalConv3d(config.block_channels[0] // 2, 3 * config.patch**2)

    def forward(self, latents: Features, cache: DecoderCache | None) -> tuple[Video, DecoderCache]:
        """Video of the next latent frames (8 each; the first of a clip 1), and the next cache."""
        features, entry = self.conv_in(latents, cache.entry if cache else None)
        features, middle = _run(self.mid_block.resnets, features, cache.middle if cache else None)
        up_blocks: list[UpBlockCache] = []
        for index, block in enumerate(self.up_blocks):
            features, following = block(features, cache.up_blocks[index] if cache else None)
            up_blocks.append(following)
        features, last = self.conv_out(activated(features), cache.exit if cache else None)
        video = rearrange(features, "b (c x y) f h w -> b c f (h y) (w x)", x=self._patch, y=self._patch)
        return video, DecoderCache(entry, middle, tuple(up_blocks), last)
