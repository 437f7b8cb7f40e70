"""What all time mixers have in common: projections, norms, the camera projections and the gated output."""

from typing import Protocol

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from kernels.rows import gated_sum
from model.causal.state import MixerState
from model.config import BackboneConfig
from model.layers.norms import RMSNorm
from model.mixers.context import MixerContext

OUTPUT_GATE_BIAS = 1.27846  # silu of it is 1: the gate is open at initialization


class TimeMixer(Protocol):
    """Mixes tokens over time; returns the mixed tokens and what the next chunk of a rollout needs."""

    def __call__(
        self, tokens: Float[Tensor, "batch frames space channels"], context: MixerContext, state: MixerState | None
    ) -> tuple[Float[Tensor, "batch frames space channels"], MixerState]:
        """Mix."""
        ...


class MixerBase(nn.Module):
    """Parameters of every mixer, flat and named as in the released checkpoints (``blocks.i.attn.*``)."""

    def __init__(self, config: BackboneConfig, *, gated: bool) -> None:
        super().__init__()
        hidden = config.hidden
        self.heads = config.heads
        self.head_dim = config.head_dim
        self.norm_eps = config.norm_eps
        self.has_camera = config.camera_branch
        self.qkv = nn.Linear(hidden, 3 * hidden, bias=False)
        self.q_norm = RMSNorm(hidden, config.norm_eps)
        self.k_norm = RMSNorm(hidden, config.norm_eps)
        self.proj = nn.Linear(hidden, hidden)
        self.output_gate = nn.Linear(hidden, hidden) if gated else None
        if config.camera_branch:
            self.q_proj_cam = nn.Linear(hidden, hidden)
            self.k_proj_cam = nn.Linear(hidden, hidden)
            self.v_proj_cam = nn.Linear(hidden, hidden)
            self.out_proj_cam = nn.Linear(hidden, hidden)
            self.q_norm_cam = RMSNorm(hidden, config.norm_eps)
            self.k_norm_cam = RMSNorm(hidden, config.norm_eps)

    def split_heads(
        self, features: Float[Tensor, "batch frames space channels"]
    ) -> Float[Tensor, "batch heads frames space head_dim"]:
        """Channels to heads."""
        return rearrange(features, "b t s (h d) -> b h t s d", h=self.heads)

    def finish(
        self,
        tokens: Float[Tensor, "batch frames space channels"],
        main: Float[Tensor, "batch heads frames space head_dim"],
        camera: Float[Tensor, "batch heads frames space head_dim"] | None,
    ) -> Float[Tensor, "batch frames space channels"]:
        """``proj((main + out_proj_cam(camera)) silu(output_gate(x)))``, the gate in float32."""
        merge = "b h t s d -> b t s (h d)"
        moved = None if camera is None else self.out_proj_cam(rearrange(camera, merge).to(tokens.dtype))
        if self.output_gate is not None:
            return self.proj(gated_sum(main, moved, self.output_gate(tokens)))
        mixed = rearrange(main, merge).to(tokens.dtype)
        return self.proj(mixed if moved is None else mixed + moved)

    def initialize_gate(self) -> None:
        """Open the output gate and silence the camera branch, so that both leave a parent as it was."""
        if self.output_gate is not None:
            nn.init.zeros_(self.output_gate.weight)
            nn.init.constant_(self.output_gate.bias, OUTPUT_GATE_BIAS)
        if self.has_camera:
            nn.init.zeros_(self.out_proj_cam.weight)
            nn.init.zeros_(self.out_proj_cam.bias)


def key_scale(head_dim: int, space: int) -> float:
    """``(head_dim * space) ** -0.5`` (Eq. 5)."""
    return float(torch.tensor(head_dim * space, dtype=torch.float64) ** -0.5)
