"""One transformer block: time mixing, Pluecker mixing, caption attention, feed-forward."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernels.rows import add_gated, add_modulate, modulate
from model.causal.state import BlockState
from model.config import BackboneConfig, Numerics
from model.layers.cross_attention import CrossAttention
from model.layers.feed_forward import FeedForward
from model.mixers.context import MixerContext
from model.mixers.frame_gdn import FrameGDNMixer
from model.mixers.linear import LinearMixer
from model.mixers.softmax import SoftmaxMixer
from model.types import TextConditioning

Tokens = Float[Tensor, "batch frames space hidden"]


class Block(nn.Module):
    """AdaLN-single with one set of six vectors per frame; parameters named as in ``blocks.i`` of the release."""

    def __init__(self, config: BackboneConfig, numerics: Numerics, index: int) -> None:
        super().__init__()
        self.eps = config.layer_norm_eps
        self.scale_shift_table = nn.Parameter(torch.zeros(6, config.hidden))
        self.attn = build_mixer(config, numerics, index)
        self.cross_attn = CrossAttention(config)
        self.mlp = FeedForward(config.hidden, config.feed_forward)
        if config.camera_branch:
            self.plucker_proj = nn.Linear(config.hidden, config.hidden)

    def forward(
        self,
        tokens: Tokens,
        modulation: Float[Tensor, "batch frames six_hidden"],
        caption: TextConditioning,
        raymap: Tokens | None,
        context: MixerContext,
        state: BlockState | None,
    ) -> tuple[Tokens, BlockState]:
        """One block.

        Args:
            tokens: of the frames here.
            modulation: six vectors per frame (shift, scale, gate of attention; the same of the feed-forward).
            caption: embedded caption tokens and their mask.
            raymap: embedded packed raymap; None without a camera.
            context: chunks, tables and rays of this call.
            state: what the previous chunk of a rollout left.
        """
        vectors = modulation.unflatten(-1, (6, -1)) + self.scale_shift_table
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = vectors.unbind(2)
        attended, mixer_state = self.attn(
            modulate(tokens, shift, scale, self.eps), context, state.mixer if state else None
        )
        tokens = add_gated(tokens, attended, gate, None if raymap is None else self.plucker_proj(raymap))
        described = self.cross_attn(tokens, caption.states, caption.mask)
        tokens, normed = add_modulate(tokens, described, mlp_shift, mlp_scale, self.eps)
        fed, tail = self.mlp(normed, context.view, state.feed_forward_tail if state else None)
        return tokens + mlp_gate[:, :, None] * fed, BlockState(mixer_state, tail)


def build_mixer(config: BackboneConfig, numerics: Numerics, index: int) -> FrameGDNMixer | LinearMixer | SoftmaxMixer:
    """The one place where the mixer of a block is chosen."""
    if index in config.softmax_blocks:
        return SoftmaxMixer(config, numerics)
    if config.mixer == "linear":
        return LinearMixer(config)
    return FrameGDNMixer(config, numerics)
