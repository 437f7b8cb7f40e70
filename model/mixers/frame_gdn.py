"""Time mixing by the frame-wise gated delta rule, with its camera branch (Eq. 3 and 6)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernels.camera_gdn import (
    CameraGDNCarry,
    CameraGDNInputs,
    CameraGDNRaw,
    camera_gdn,
    camera_gdn_raw,
    camera_gdn_summary,
)
from kernels.frame_gdn import (
    FrameGDNCarry,
    FrameGDNRaw,
    frame_gdn,
    frame_gdn_raw,
    frame_gdn_summary,
    prepare_frame_gdn,
)
from kernels.key_prep import prepare_features
from model.camera.ray_frame import RayFrames
from model.causal.state import GDNState, MixerState
from model.config import BackboneConfig, Numerics
from model.layers.rope import RotaryTable
from model.layers.short_conv import ShortConv
from model.mixers.camera_branch import CameraFeatures, discounted_gate, enter_world, key_inflation, leave_world
from model.mixers.context import MixerContext
from model.mixers.gates import frame_gates
from model.mixers.time_mixer import MixerBase, key_scale
from model.parallel.state_prefix import camera_gdn_carry, frame_gdn_carry

Gates = tuple[Float[Tensor, "batch heads frames space"], Float[Tensor, "batch heads frames"]]


class FrameGDNMixer(MixerBase):
    """Both branches scan with the same gates; the camera branch's update gate is discounted by its key inflation."""

    def __init__(self, config: BackboneConfig, numerics: Numerics) -> None:
        super().__init__(config, gated=True)
        self.numerics = numerics
        self.denominator_eps = config.gdn_eps
        self.beta_proj = nn.Linear(config.hidden, config.heads)
        self.gate_proj = nn.Linear(config.hidden, config.heads)
        self.A_log = nn.Parameter(torch.zeros(config.heads))
        self.dt_bias = nn.Parameter(torch.zeros(config.heads))
        self.conv_k = ShortConv(config.hidden, config.conv_taps)
        if config.camera_branch:
            self.conv_k_cam = ShortConv(config.hidden, config.conv_taps)

    def forward(
        self, tokens: Float[Tensor, "batch frames space channels"], context: MixerContext, state: MixerState | None
    ) -> tuple[Float[Tensor, "batch frames space channels"], GDNState]:
        """Mix; ``state`` is what the previous chunk of a rollout returned."""
        carried = gdn_state(state)
        gates = frame_gates(tokens, self.beta_proj, self.gate_proj, self.A_log, self.dt_bias)
        main, main_state, conv_tail = self._main_branch(tokens, gates, context, carried)
        camera, camera_state, camera_tail = self._camera_branch(tokens, gates, context, carried)
        return self.finish(tokens, main, camera), GDNState(main_state, camera_state, conv_tail, camera_tail)

    def _main_branch(self, tokens: Tensor, gates: Gates, context: MixerContext, carried: GDNState | None) -> tuple:
        view, rotary = context.view, context.rotary
        query, key, value = self.qkv(tokens).chunk(3, dim=-1)
        key, tail = self.conv_k(key, view, carried.conv_tail if carried else None)
        raw = FrameGDNRaw(
            query=query,
            key=key,
            value=value,
            query_weight=self.q_norm.weight,
            key_weight=self.k_norm.weight,
            cosine=rotary.cosine,
            sine=rotary.sine,
            update_gate=gates[0],
            decay=gates[1],
            norm_eps=self.norm_eps,
            key_scale=key_scale(self.head_dim, view.space),
        )
        if view.shard is None:
            carry = FrameGDNCarry(before=carried.main if carried else None)
            return *frame_gdn_raw(raw, view.resets, self.denominator_eps, carry), tail
        inputs = prepare_frame_gdn(raw)
        carry = frame_gdn_carry(frame_gdn_summary(inputs, view.resets), view.shard)
        return *frame_gdn(inputs, view.resets, self.denominator_eps, carry), tail

    def _camera_branch(self, tokens: Tensor, gates: Gates, context: MixerContext, carried: GDNState | None) -> tuple:
        if context.rays is None or not self.has_camera:
            return None, None, None
        view, rays, rotary = context.view, context.rays, context.camera_rotary
        key, tail = self.conv_k_cam(self.k_proj_cam(tokens), view, carried.camera_conv_tail if carried else None)
        raw = CameraGDNRaw(
            query=self.q_proj_cam(tokens),
            key=key,
            value=self.v_proj_cam(tokens),
            query_weight=self.q_norm_cam.weight,
            key_weight=self.k_norm_cam.weight,
            ray_from_world=rays.ray_from_world,
            world_from_ray=rays.world_from_ray,
            cosine=rotary.cosine,
            sine=rotary.sine,
            update_gate=gates[0],
            decay=gates[1],
            norm_eps=self.norm_eps,
            key_scale=key_scale(self.head_dim, view.space),
        )
        carry = CameraGDNCarry(before=carried.camera if carried else None)
        kept = tail if self.numerics.camera_conv_carries_tail else None
        if view.shard is None and not self.numerics.clips_ray_rms:
            return *camera_gdn_raw(raw, view.resets, carry), kept
        inputs = self._camera_inputs(raw, rays, rotary)
        if view.shard is not None:
            carry = camera_gdn_carry(camera_gdn_summary(inputs, view.resets), view.shard)
        output, state = camera_gdn(inputs, view.resets, carry)
        return leave_world(output, rays, rotary), state, kept

    def _camera_inputs(self, raw: CameraGDNRaw, rays: RayFrames, rotary: RotaryTable) -> CameraGDNInputs:
        """Ray-transformed features by themselves: shards exchange summaries of them, one profile clips them."""
        local = CameraFeatures(
            prepare_features(raw.query, raw.query_weight, self.heads, raw.norm_eps),
            prepare_features(raw.key, raw.key_weight, self.heads, raw.norm_eps, raw.key_scale),
            self.split_heads(raw.value),
        )
        world = enter_world(local, rays, rotary, clips_rms=self.numerics.clips_ray_rms)
        gate = discounted_gate(raw.update_gate, key_inflation(local.key, world.key))
        return CameraGDNInputs(world.query, world.key, world.value, gate, raw.decay)


def gdn_state(state: MixerState | None) -> GDNState | None:
    """The state as that of a scan.

    Raises:
        TypeError: if it belongs to a softmax block.
    """
    if state is not None and not isinstance(state, GDNState):
        raise TypeError(f"a scanning block was given {type(state).__name__}; the rollout belongs to another model")
    return state
