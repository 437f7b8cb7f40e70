"""The video stream of an LTX-2 transformer: velocities without the audio half, with a context to look back at.

On one pass without context it equals ``model.refiner.transformer.predict_velocity``, which training uses and which runs
the library's whole forward pass.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from model.refiner.block_weights import BlockWeights, ResidentBlocks
from model.refiner.transformer import RefinerText
from model.refiner.video_attention import Hidden, LayerContext, Projected, Rotation
from model.refiner.video_block import BlockInputs, Caption, VideoBlock, modulated

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_ltx2 import LTX2Attention

Latents = Float[Tensor, "batch channels frames height width"]
Keep = Callable[[Projected], LayerContext]


@dataclass(frozen=True)
class VideoPass:
    """One pass of the network.

    Attributes:
        noisy: what is read.
        sigma: noise level per frame.
        first_position: latent frame of the clip at which ``noisy`` starts.
        anchors: frames at its beginning that see only each other.
        frame_rate: of the raw video; tokens are placed in seconds.
    """

    noisy: Latents
    sigma: Float[Tensor, "batch frames"]
    first_position: int
    anchors: int
    frame_rate: float


@dataclass(frozen=True)
class PassResult:
    """Velocity of every token, and what was kept of each layer (empty unless asked for)."""

    velocity: Latents
    kept: list[LayerContext]


class VideoStream:
    """Runs passes of a transformer.

    Args:
        transformer: the library's, in evaluation mode.
        blocks: its blocks with their weights; by default where they are.

    Raises:
        ValueError: the transformer has parts that the refiner's release has not (prompt modulation, no caption
            projection).
    """

    def __init__(self, transformer: nn.Module, blocks: BlockWeights | None = None) -> None:
        if transformer.config.cross_attn_mod or transformer.caption_projection is None:
            raise ValueError(
                "cross_attn_mod or use_prompt_embeddings differs from LTX-2's first release; the refiner is built on it"
            )
        self._net = transformer
        self._blocks = blocks or ResidentBlocks(video_blocks(transformer))

    @property
    def dtype(self) -> torch.dtype:
        """Type of the arithmetic."""
        return self._net.proj_in.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where passes run."""
        return self._net.proj_in.weight.device

    def self_attentions(self) -> "list[LTX2Attention]":
        """The self-attention of every layer; they know how keys are rotated."""
        return [block.attn1 for block in self._net.transformer_blocks]

    @torch.no_grad()
    def caption(self, text: RefinerText) -> Caption:
        """The projected caption; make it once for all passes."""
        states = self._net.caption_projection(text.states.to(self.device, self.dtype))
        mask = text.mask.to(self.device) > 0
        return Caption(states, None if bool(mask.all()) else mask)

    @torch.no_grad()
    def run(
        self, job: VideoPass, caption: Caption, contexts: Sequence[LayerContext] = (), keep: Keep | None = None
    ) -> PassResult:
        """Velocity, in float32.

        Args:
            job: what is read.
            caption: of ``caption``.
            contexts: rotated keys and values to look back at, one per layer; empty for none.
            keep: says what of a layer's projections to return.
        """
        _, _, frames, height, width = job.noisy.shape
        tokens = rearrange(job.noisy, "b c f h w -> b (f h w) c").to(self.device, self.dtype)
        modulation, embedded = self._times(job.sigma)
        rotation = self.rotation(len(tokens), job.first_position, (frames, height, width), job.frame_rate)
        inputs = BlockInputs(modulation, rotation, caption, job.anchors * height * width)
        hidden, kept = self._net.proj_in(tokens), []
        for layer, block in enumerate(self._blocks.runnable()):
            hidden, projected = block(hidden, inputs, contexts[layer] if contexts else None)
            if keep is not None:
                kept.append(keep(projected))
        velocity = self._head(hidden, embedded)
        shaped = rearrange(velocity, "b (f h w) c -> b c f h w", f=frames, h=height)
        return PassResult(shaped.float(), kept)

    def rotation(self, batch: int, first: int, grid: tuple[int, int, int], frame_rate: float) -> Rotation:
        """Rotary embedding of a grid of frames, height and width whose first frame is latent frame ``first``.

        The library wants one for every member of a batch.
        """
        frames, height, width = grid
        rope, device = self._net.rope, self.device
        coordinates = rope.prepare_video_coords(batch, first + frames, height, width, device, fps=frame_rate)
        return rope(coordinates[:, :, first * height * width :], device=device)

    def _times(
        self, sigma: Float[Tensor, "batch frames"]
    ) -> tuple[Float[Tensor, "batch frames 6 channels"], Float[Tensor, "batch frames channels"]]:
        batch, frames = sigma.shape
        timestep = (1000 * sigma).to(self.device).flatten()
        modulation, embedded = self._net.time_embed(timestep, batch_size=batch, hidden_dtype=self.dtype)
        return modulation.reshape(batch, frames, 6, -1), embedded.reshape(batch, frames, -1)

    def _head(self, hidden: Hidden, embedded: Float[Tensor, "batch frames channels"]) -> Hidden:
        table = self._net.scale_shift_table.to(embedded.dtype) + embedded[:, :, None]
        shift, scale = table.unbind(dim=2)
        return self._net.proj_out(modulated(self._net.norm_out(hidden), shift, scale))


def video_blocks(transformer: nn.Module) -> list[VideoBlock]:
    """The video halves of all blocks, sharing their parameters."""
    return [VideoBlock(block) for block in transformer.transformer_blocks]
