"""Time mixing by the frame-wise gated delta rule, with its camera branch (Eq. 3 and 6)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernels.camera_gdn import CameraGDNCarry, CameraGDNInputs, camera_gdn, camera_gdn_summary
from kernels.frame_gdn import FrameGDNCarry, FrameGDNInputs, frame_gdn, frame_gdn_summary
from kernels.key_prep import prepare_features
from kernels.ray_rope import rotate
from model.causal.state import GDNState, MixerState
from model.config import BackboneConfig, Numerics
from model.layers.short_conv import ShortConv
from model.mixers.camera_branch import CameraFeatures, discounted_gate, enter_world, key_inflation, leave_world
from model.mixers.context import MixerContext
from model.mixers.gates import frame_gates
from model.mixers.time_mixer import MixerBase, key_scale
from model.parallel.state_prefix import camera_gdn_carry, frame_gdn_carry

Gates = tuple[Float[Tensor, "batch heads frames space"], Float[Tensor, "batch heads frames"]]
Tail = Tensor | None


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
        raw_query, raw_key, value = self.qkv(tokens).chunk(3, dim=-1)
        raw_key, tail = self.conv_k(raw_key, view, carried.conv_tail if carried else None)
        query = prepare_features(raw_query, self.q_norm.weight, self.heads, self.norm_eps)
        scale = key_scale(self.head_dim, view.space)
        key = prepare_features(raw_key, self.k_norm.weight, self.heads, self.norm_eps, scale)
        inputs = FrameGDNInputs(
            query=query,
            key=key,
            rotated_query=rotate(query, rotary.cosine, rotary.sine),
            rotated_key=rotate(key, rotary.cosine, rotary.sine),
            value=self.split_heads(value),
            update_gate=gates[0],
            decay=gates[1],
        )
        carry = FrameGDNCarry(before=carried.main if carried else None)
        if view.shard is not None:
            carry = frame_gdn_carry(frame_gdn_summary(inputs, view.resets), view.shard)
        output, state = frame_gdn(inputs, view.resets, self.denominator_eps, carry)
        return output, state, tail

    def _camera_branch(self, tokens: Tensor, gates: Gates, context: MixerContext, carried: GDNState | None) -> tuple:
        if context.rays is None or not self.has_camera:
            return None, None, None
        view, rays, rotary = context.view, context.rays, context.camera_rotary
        tail = carried.camera_conv_tail if carried else None
        local, tail = self._camera_features(tokens, context, tail)
        world = enter_world(local, rays, rotary, clips_rms=self.numerics.clips_ray_rms)
        inputs = CameraGDNInputs(
            query=world.query,
            key=world.key,
            value=world.value,
            update_gate=discounted_gate(gates[0], key_inflation(local.key, world.key)),
            decay=gates[1],
        )
        carry = CameraGDNCarry(before=carried.camera if carried else None)
        if view.shard is not None:
            carry = camera_gdn_carry(camera_gdn_summary(inputs, view.resets), view.shard)
        output, state = camera_gdn(inputs, view.resets, carry)
        kept = tail if self.numerics.camera_conv_carries_tail else None
        return leave_world(output, rays, rotary), state, kept

    def _camera_features(self, tokens: Tensor, context: MixerContext, tail: Tail) -> tuple[CameraFeatures, Tensor]:
        view = context.view
        raw_key, new_tail = self.conv_k_cam(self.k_proj_cam(tokens), view, tail)
        scale = key_scale(self.head_dim, view.space)
        query = prepare_features(self.q_proj_cam(tokens), self.q_norm_cam.weight, self.heads, self.norm_eps)
        key = prepare_features(raw_key, self.k_norm_cam.weight, self.heads, self.norm_eps, scale)
        return CameraFeatures(query, key, self.split_heads(self.v_proj_cam(tokens))), new_tail


def gdn_state(state: MixerState | None) -> GDNState | None:
    """The state as that of a scan.

    Raises:
        TypeError: if it belongs to a softmax block.
    """
    if state is not None and not isinstance(state, GDNState):
        raise TypeError(f"a scanning block was given {type(state).__name__}; the rollout belongs to another model")
    return state
