"""Time mixing by cumulative linear attention (Eq. 1): the parent that ``vae_adaptation`` trains."""

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.frame_gdn import FrameGDNCarry, FrameGDNInputs, frame_gdn, frame_gdn_summary
from kernels.key_prep import prepare_features
from kernels.ray_rope import rotate
from model.causal.state import GDNState, MixerState
from model.config import BackboneConfig
from model.mixers.context import MixerContext
from model.mixers.frame_gdn import gdn_state
from model.mixers.time_mixer import MixerBase, key_scale
from model.parallel.state_prefix import frame_gdn_carry


class LinearMixer(MixerBase):
    """ReLU features, rotated in the numerator only, normalized by the plain ones; no gates, no convolution."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__(config, gated=False)
        self.denominator_eps = config.gdn_eps

    def forward(
        self, tokens: Float[Tensor, "batch frames space channels"], context: MixerContext, state: MixerState | None
    ) -> tuple[Float[Tensor, "batch frames space channels"], GDNState]:
        """Mix; ``state`` is what the previous chunk of a rollout returned."""
        carried, view, rotary = gdn_state(state), context.view, context.rotary
        raw_query, raw_key, value = self.qkv(tokens).chunk(3, dim=-1)
        query = prepare_features(raw_query, self.q_norm.weight, self.heads, self.norm_eps)
        scale = key_scale(self.head_dim, view.space)
        key = prepare_features(raw_key, self.k_norm.weight, self.heads, self.norm_eps, scale)
        inputs = FrameGDNInputs(
            query=query,
            key=key,
            rotated_query=rotate(query, rotary.cosine, rotary.sine),
            rotated_key=rotate(key, rotary.cosine, rotary.sine),
            value=self.split_heads(value),
            update_gate=torch.ones_like(query[..., 0]),
            decay=torch.ones_like(query[..., 0, 0]),
            delta=False,
        )
        carry = FrameGDNCarry(before=carried.main if carried else None)
        if view.shard is not None:
            carry = frame_gdn_carry(frame_gdn_summary(inputs, view.resets), view.shard)
        output, scanned = frame_gdn(inputs, view.resets, self.denominator_eps, carry)
        return self.finish(tokens, output, None), GDNState(scanned, None, None, None)
