"""SANA-WM: the diffusion transformer that predicts the velocity of video latents."""

from dataclasses import replace

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from model.block import Block
from model.camera.ray_frame import ray_frames
from model.causal.layout import ChunkLayout
from model.causal.state import BlockState, RolloutState, SoftmaxState
from model.causal.view import FrameView
from model.config import BackboneConfig, Numerics, require_layout
from model.layers.embedders import CaptionEmbedder, PatchEmbedder, TimestepEmbedder
from model.layers.final_layer import FinalLayer
from model.layers.norms import RMSNorm
from model.layers.rope import RotaryTable, camera_part, rotary_table
from model.mixers.context import MixerContext
from model.parallel.frame_shard import FrameShard
from model.types import CameraConditioning, TextConditioning

Latents = Float[Tensor, "batch channels frames height width"]


class SanaWM(nn.Module):
    """The backbone. One forward path; ``ChunkLayout`` makes it bidirectional or chunk-causal."""

    def __init__(self, config: BackboneConfig, numerics: Numerics) -> None:
        super().__init__()
        self.config = config
        self.numerics = numerics
        self.x_embedder = PatchEmbedder(config.latent_channels, config.hidden)
        self.t_embedder = TimestepEmbedder(config)
        self.t_block = nn.Sequential(nn.SiLU(), nn.Linear(config.hidden, 6 * config.hidden))
        self.y_embedder = CaptionEmbedder(config)
        self.attention_y_norm = RMSNorm(config.hidden, config.norm_eps)
        self.blocks = nn.ModuleList(Block(config, numerics, index) for index in range(config.depth))
        self.final_layer = FinalLayer(config)
        self.run_block = run_block
        if config.camera_branch:
            self.plucker_embedder = PatchEmbedder(config.plucker_channels, config.hidden)

    def forward(
        self,
        latents: Latents,
        timesteps: Float[Tensor, "batch *frames"],
        text: TextConditioning,
        camera: CameraConditioning | None,
        layout: ChunkLayout,
        shard: FrameShard | None = None,
    ) -> Latents:
        """Velocity ``noise - clean`` of a whole sequence (of this rank's frames of it, under a shard).

        Args:
            latents: noisy latents of the frames here.
            timesteps: 0..1000, one per sample (batch,) or per frame (batch, 1, frames); truncated to integers.
            text: encoded captions.
            camera: of the frames here; None runs without the camera branches.
            layout: chunks of the whole sequence.
            shard: which frames are here; None = all.

        Raises:
            ValueError: frames that do not fit the layout, or chunks under a bidirectional profile.
        """
        require_layout(self.numerics, len(layout.starts))
        view = FrameView(layout, *latents.shape[-2:], shard=shard)
        return self._run(latents, timesteps, text, camera, view, None)[0]

    def advance(
        self,
        latents: Latents,
        timesteps: Float[Tensor, "batch *frames"],
        text: TextConditioning,
        camera: CameraConditioning | None,
        state: RolloutState,
        rotary: RotaryTable | None = None,
    ) -> tuple[Latents, RolloutState]:
        """Velocity of the next chunk of a rollout, and the state after it; ``state`` itself is left as it was.

        ``rotary`` is ``rollout_rotary`` of the chunk, given where it must not be made here.
        """
        frames = latents.shape[2]
        layout = ChunkLayout.single(frames)
        view = FrameView(layout, *latents.shape[-2:], first_position=state.frames, rolls_out=True)
        velocity, blocks = self._run(latents, timesteps, text, camera, view, state, rotary)
        return velocity, state.advanced(frames, tuple(_trimmed(block, state) for block in blocks))

    def rollout_rotary(self, first: int, frames: int, height: int, width: int) -> RotaryTable:
        """Rotary table, on the CPU, of the chunk whose first frame has absolute position ``first``."""
        return rotary_table(self.config.head_dim, (first, first + frames), height, width, self.config.rope_theta)

    def _run(
        self,
        latents: Latents,
        timesteps: Float[Tensor, "batch *frames"],
        text: TextConditioning,
        camera: CameraConditioning | None,
        view: FrameView,
        state: RolloutState | None,
        rotary: RotaryTable | None = None,
    ) -> tuple[Latents, list[BlockState]]:
        _check_frames(latents, view)
        timestep = self.t_embedder(per_frame(timesteps, view.frames))
        modulation = self.t_block(timestep)
        caption = replace(text, states=self.attention_y_norm(self.y_embedder(text.states)))
        raymap = self.plucker_embedder(camera.packed_raymap) if camera and self.config.camera_branch else None
        context = self._context(view, camera, rotary, latents.device)
        tokens = self.x_embedder(latents)
        states = []
        for index, block in enumerate(self.blocks):
            carried = state.block(index) if state else None
            tokens, after = self.run_block(block, tokens, modulation, caption, raymap, context, carried)
            if state is not None:  # of a whole sequence nobody reads them, and their views keep projections alive
                states.append(after)
        velocity = self.final_layer(tokens, timestep)
        return rearrange(velocity, "b t (h w) c -> b c t h w", h=view.height), states

    def _context(
        self, view: FrameView, camera: CameraConditioning | None, rotary: RotaryTable | None, device: torch.device
    ) -> MixerContext:
        head_dim, first = self.config.head_dim, view.positions[0]
        table = (rotary or self.rollout_rotary(first, view.frames, view.height, view.width)).to(device)
        rays = None
        if camera is not None and self.config.camera_branch:
            rays = ray_frames(camera.camera_conditions, view.height, view.width)
        return MixerContext(view, table, camera_part(table, head_dim), rays)


def run_block(block: nn.Module, *arguments: object) -> tuple[Tensor, BlockState]:
    """How a block is run unless ``model.recomputation`` says otherwise."""
    return block(*arguments)


def per_frame(timesteps: Float[Tensor, "batch *frames"], frames: int) -> Float[Tensor, "batch frames"]:
    """One timestep per frame, from one per sample (batch,) or per frame (batch, 1, frames).

    Raises:
        ValueError: if the shape is neither.
    """
    if timesteps.ndim == 1:
        return timesteps[:, None].expand(-1, frames)
    if timesteps.ndim == 3 and timesteps.shape[1:] == (1, frames):
        return timesteps[:, 0]
    raise ValueError(f"timesteps of shape {tuple(timesteps.shape)} must be (batch,) or (batch, 1, {frames})")


def _check_frames(latents: Tensor, view: FrameView) -> None:
    if latents.shape[2] != view.frames:
        raise ValueError(f"latents hold {latents.shape[2]} frames where the layout (and shard) has {view.frames}")


def _trimmed(block: BlockState, state: RolloutState) -> BlockState:
    if not isinstance(block.mixer, SoftmaxState):
        return block
    return replace(block, mixer=SoftmaxState(state.window.keep(block.mixer.cached)))
