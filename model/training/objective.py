"""The stage-1 training objective as a function of a model and one step's draws."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.flow.objective import flow_loss, flow_sample
from model.training.draws import StepDraws
from model.training.example import Example
from model.training.ranks import Ranks


@dataclass(frozen=True)
class FlowObjective:
    """Flow matching with a clean first frame, under one chunk layout.

    Attributes:
        shift: of the noise schedule.
        chunk_frames: frames of a chunk; None = one chunk, bidirectional.
        bfloat16: run the network under bfloat16 autocast; the loss is float32.
    """

    shift: float
    chunk_frames: int | None
    bfloat16: bool = False

    def layout(self, frames: int) -> ChunkLayout:
        """One chunk, or chunks of ``chunk_frames`` of which the first is one longer."""
        if self.chunk_frames is None:
            return ChunkLayout.single(frames)
        return ChunkLayout.first_plus_one(frames, self.chunk_frames)

    def loss(self, model: SanaWM, example: Example, draws: StepDraws, ranks: Ranks) -> Float[Tensor, ""]:
        """This rank's share of the mean loss of its clips; sum over the context group for the loss itself."""
        shard = ranks.shard(example.frames)
        clean_first = torch.full((len(example.latents),), draws.first_frame_given, device=example.latents.device)
        noise, indices = draws.noise.to(example.latents), draws.indices.to(example.latents.device)
        sample = flow_sample(example.latents, noise, indices, self.shift, clean_first).on(shard)
        here = example.taken(shard)
        with self._autocast(example.latents.device):
            layout = self.layout(example.frames)
            velocity = model(sample.noisy, sample.timesteps, here.text, here.camera, layout, shard)
        return flow_loss(velocity, sample)

    def _autocast(self, device: torch.device) -> AbstractContextManager[object]:
        return torch.autocast(device.type, torch.bfloat16) if self.bfloat16 else nullcontext()
