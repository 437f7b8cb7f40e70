"""The LTX-2 video transformer as a velocity network on stage-1 latents: video stream only, no camera input.

It knows nothing of noise schedules or of training; the audio stream of the checkpoint layout is kept (so that released
weights fit) and isolated from the video.
"""

from dataclasses import asdict, dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from model.refiner.attention_mask import reference_mask

_GATE_ROWS = (2, 5)  # of shift, scale, gate of the attention, then of the feed-forward

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True)
class RefinerConfig:
    """Sizes of an LTX-2 layout transformer; everything not listed is LTX-2's own default."""

    num_attention_heads: int
    attention_head_dim: int
    cross_attention_dim: int
    num_layers: int
    caption_channels: int
    audio_num_attention_heads: int
    audio_attention_head_dim: int
    audio_cross_attention_dim: int

    @classmethod
    def tiny(cls) -> "RefinerConfig":
        """A few hundred thousand parameters in the real layout, for CPU runs."""
        return cls(2, 64, 128, 2, 64, 2, 8, 16)

    @classmethod
    def paper(cls) -> "RefinerConfig":
        """LTX-2 19B: 48 layers, 32 x 128 video, Gemma-3 captions."""
        return cls(32, 128, 4096, 48, 3840, 32, 64, 2048)


@dataclass(frozen=True)
class RefinerText:
    """Caption features and their padding mask (1 = a real token)."""

    states: Float[Tensor, "batch tokens caption_channels"]
    mask: Float[Tensor, "batch tokens"]


def build_refiner(config: RefinerConfig, seed: int) -> nn.Module:
    """A randomly initialized transformer with open gates; the seed touches no other generator."""
    from diffusers import LTX2VideoTransformer3DModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer = LTX2VideoTransformer3DModel(**asdict(config))
    open_gates(transformer)
    return transformer


@torch.no_grad()
def open_gates(transformer: nn.Module) -> None:
    """Set the residual gates of attention and feed-forward to 1.

    The library draws them near 0, where a block is almost the identity; released weights have learned theirs, a base
    that is trained for a few steps could not.
    """
    for block in transformer.transformer_blocks:
        block.scale_shift_table[list(_GATE_ROWS)] = 1.0


def predict_velocity(
    transformer: nn.Module,
    noisy: Latents,
    sigma: Float[Tensor, "batch frames"],
    text: RefinerText,
    reference_frames: int,
    frame_rate: float,
) -> Latents:
    """Velocity at every token.

    ``sigma`` is per latent frame (0 on reference frames); the network reads ``1000 sigma`` per token. ``frame_rate`` is
    that of the raw video: LTX-2 places tokens in seconds.
    """
    _, _, frames, height, width = noisy.shape
    tokens = rearrange(noisy, "batch channels frames height width -> batch (frames height width) channels")
    timestep = 1000 * sigma.repeat_interleave(height * width, dim=1)
    mask = reference_mask(frames, height * width, reference_frames).to(noisy)
    silence = noisy.new_zeros(noisy.shape[0], 1, transformer.config.audio_in_channels)
    video, _ = transformer(
        hidden_states=tokens,
        audio_hidden_states=silence,
        encoder_hidden_states=text.states,
        audio_encoder_hidden_states=text.states,
        timestep=timestep,
        audio_timestep=timestep[:, :1],
        encoder_attention_mask=text.mask,
        audio_encoder_attention_mask=text.mask,
        num_frames=frames,
        height=height,
        width=width,
        fps=frame_rate,
        audio_num_frames=1,
        isolate_modalities=True,
        video_self_attention_mask=mask.expand(noisy.shape[0], -1, -1),
        return_dict=False,
    )
    return rearrange(
        video,
        "batch (frames height width) channels -> batch channels frames height width",
        frames=frames,
        height=height,
        width=width,
    )
