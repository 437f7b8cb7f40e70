"""Time mixing by softmax attention, with its camera branch: every fourth block of the hybrid (Sec. 3.2)."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from kernels.ray_rope import rotate
from model.causal.state import MixerState, SoftmaxChunk, SoftmaxState
from model.causal.view import FrameView
from model.config import BackboneConfig, Numerics, padded_head
from model.mixers.camera_branch import CameraFeatures, enter_world, leave_world
from model.mixers.context import MixerContext
from model.mixers.time_mixer import MixerBase
from model.parallel.sharded_softmax import gather_tokens

Tokens = Float[Tensor, "batch heads tokens head_dim"]


class SoftmaxMixer(MixerBase):
    """Full-width norms and rotation as in the GDN blocks; no ReLU, key scale, convolution or gates."""

    def __init__(self, config: BackboneConfig, numerics: Numerics) -> None:
        super().__init__(config, gated=True)
        self.numerics = numerics

    def forward(
        self, tokens: Float[Tensor, "batch frames space channels"], context: MixerContext, state: MixerState | None
    ) -> tuple[Float[Tensor, "batch frames space channels"], SoftmaxState]:
        """Mix; ``state`` holds the cached chunks of a rollout, and this chunk is appended to them."""
        cached = _cached(state)
        raw_query, raw_key, value = self.qkv(tokens).chunk(3, dim=-1)
        cosine, sine = context.rotary.cosine, context.rotary.sine
        query = rotate(self.split_heads(self.q_norm(raw_query)), cosine, sine)
        key = rotate(self.split_heads(self.k_norm(raw_key)), cosine, sine)
        keys, values = _flat(key), _flat(self.split_heads(value))
        past_keys, past_values = [one.key for one in cached], [one.value for one in cached]
        scale = self._scale(self.numerics.pads_rollout_heads and context.view.rolls_out)
        main = self._attend(query, [*past_keys, keys], [*past_values, values], scale, context.view)
        camera, camera_key, camera_value = self._camera_branch(tokens, context, cached)
        chunk = SoftmaxChunk(keys, values, camera_key, camera_value)
        return self.finish(tokens, main, camera), SoftmaxState((*cached, chunk))

    def _camera_branch(
        self, tokens: Tensor, context: MixerContext, cached: tuple[SoftmaxChunk, ...]
    ) -> tuple[Tensor | None, Tokens | None, Tokens | None]:
        if context.rays is None or not self.has_camera:
            return None, None, None
        rays, rotary = context.rays, context.camera_rotary
        local = CameraFeatures(
            self.split_heads(self.q_norm_cam(self.q_proj_cam(tokens))),
            self.split_heads(self.k_norm_cam(self.k_proj_cam(tokens))),
            self.split_heads(self.v_proj_cam(tokens)),
        )
        world = enter_world(local, rays, rotary, clips_rms=self.numerics.clips_ray_rms)
        keys, values = _flat(world.key), _flat(world.value)
        past_keys = [one.camera_key for one in cached if one.camera_key is not None]
        past_values = [one.camera_value for one in cached if one.camera_value is not None]
        scale = self._scale(self.numerics.pads_camera_heads)
        output = self._attend(world.query, [*past_keys, keys], [*past_values, values], scale, context.view)
        return leave_world(output, rays, rotary), keys, values

    def _attend(
        self, query: Tensor, keys: list[Tokens], values: list[Tokens], scale: float, view: FrameView
    ) -> Float[Tensor, "batch heads frames space head_dim"]:
        """Softmax attention of each chunk's queries to everything up to that chunk's end."""
        key = gather_tokens(torch.cat(keys, dim=2), view.space, view.shard)
        value = gather_tokens(torch.cat(values, dim=2), view.space, view.shard)
        past = key.shape[2] - view.layout.frames * view.space
        whole = ((0, view.frames, view.layout.frames),)
        spans = view.chunk_spans if self.numerics.softmax_honours_chunks else whole
        parts = []
        for first, last, end in spans:
            seen = past + end * view.space
            operands = (_flat(query[:, :, first:last]), key[:, :, :seen], value[:, :, :seen])
            parts.append(self._dot_product(operands, scale))
        return rearrange(torch.cat(parts, dim=2), "b h (t s) d -> b h t s d", t=view.frames)

    def _dot_product(self, operands: tuple[Tensor, Tensor, Tensor], scale: float) -> Tensor:
        query, key, value = operands
        if not self.numerics.softmax_in_bfloat16:
            return nn.functional.scaled_dot_product_attention(query, key, value, scale=scale)
        half = torch.bfloat16
        mixed = nn.functional.scaled_dot_product_attention(query.to(half), key.to(half), value.to(half), scale=scale)
        return mixed.to(query.dtype)

    def _scale(self, padded: bool) -> float:
        """``head_dim ** -0.5``, or that of the padded head a profile is bound to."""
        return (padded_head(self.head_dim) if padded else self.head_dim) ** -0.5


def _flat(features: Float[Tensor, "batch heads frames space head_dim"]) -> Tokens:
    return rearrange(features, "b h t s d -> b h (t s) d")


def _cached(state: MixerState | None) -> tuple[SoftmaxChunk, ...]:
    if state is None:
        return ()
    if not isinstance(state, SoftmaxState):
        raise TypeError(f"a softmax block was given {type(state).__name__}; the rollout belongs to another model")
    return state.cached
