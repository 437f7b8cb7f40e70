"""Which numeric profile a checkpoint was trained under, asked of real clips: the loss is lowest under its own.

Nobody has published it for the released weights (``model_spec.md`` section 0). The flow-matching loss is measured
under every profile on the same clips with the same noise, in the mode the weights are for:

- bidirectional and teacher: whole clips, one noise level a clip, frame 0 clean;
- streaming: chunk after chunk on a state of clean chunks, at the student's own noise levels.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import fmean, stdev

import torch

from data_contracts.weights import ProfileLoss
from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.causal.state import RolloutState
from model.config import Numerics
from model.flow.objective import flow_loss, flow_sample
from model.training.example import Example
from model.training.generators import named_generator
from model.training.noise_levels import quantile_index

TRAINING_SHIFT = 9.95  # of the released training configuration
DISTINCT = 2.0  # standard errors by which the best profile must beat the next


class ProbeMode(StrEnum):
    """How the weights are run."""

    BIDIRECTIONAL = "bidirectional"
    TEACHER = "teacher"
    STREAMING = "streaming"


@dataclass(frozen=True)
class Probe:
    """What is measured.

    Attributes:
        mode: how the weights are run.
        chunk_frames: latent frames of a chunk; unused when bidirectional.
        sigmas: noise levels of the student; unused in the other modes.
        noise_levels: per clip, at the middles of equal parts of the training distribution.
        seed: of the noise.
    """

    mode: ProbeMode
    chunk_frames: int
    sigmas: tuple[float, ...]
    noise_levels: int
    seed: int

    @torch.no_grad()
    def losses(self, model: SanaWM, clips: Sequence[Example], tick: Callable[[], None] = lambda: None) -> list[float]:
        """One loss per clip and noise level, in an order that no profile changes."""
        found = []
        for number, clip in enumerate(clips):
            for part in range(len(self.sigmas) if self.mode is ProbeMode.STREAMING else self.noise_levels):
                generator = named_generator(self.seed, "probe", number, part)
                noise = torch.randn(clip.latents.shape, generator=generator).to(clip.latents.device)
                loss = self._rollout if self.mode is ProbeMode.STREAMING else self._whole
                found.append(loss(model, clip, noise, part))
                tick()
        return found

    def _whole(self, model: SanaWM, clip: Example, noise: torch.Tensor, part: int) -> float:
        layout = ChunkLayout.single(clip.frames)
        if self.mode is ProbeMode.TEACHER:
            layout = ChunkLayout.first_plus_one(clip.frames, self.chunk_frames)
        device = clip.latents.device
        indices = torch.full((len(noise), clip.frames), quantile_index(part, self.noise_levels), device=device)
        given = torch.ones(len(noise), dtype=torch.bool, device=device)
        sample = flow_sample(clip.latents, noise, indices, TRAINING_SHIFT, given)
        velocity = model(sample.noisy, sample.timesteps, clip.text, clip.camera, layout)
        return float(flow_loss(velocity, sample))

    def _rollout(self, model: SanaWM, clip: Example, noise: torch.Tensor, part: int) -> float:
        """Mean square error of the velocity of every frame but frame 0, each chunk after clean ones."""
        state, squared = RolloutState(), 0.0
        for start, stop in ChunkLayout.streaming(clip.frames, self.chunk_frames).chunks:
            clean, drawn = clip.latents[:, :, start:stop], noise[:, :, start:stop]
            camera = clip.camera and clip.camera.frames(start, stop)
            levels = torch.full((stop - start,), self.sigmas[part], device=clean.device)
            if start == 0:
                levels[0] = 0.0
            sigma = levels[:, None, None]
            timesteps = (1000 * levels).expand(len(clean), 1, -1)
            velocity, _ = model.advance((1 - sigma) * clean + sigma * drawn, timesteps, clip.text, camera, state)
            error = (velocity - (drawn - clean)).square() * (levels > 0)[:, None, None]
            squared += float(error.sum())
            _, state = model.advance(clean, torch.zeros_like(timesteps), clip.text, camera, state)
        counted = clip.latents[:, :, 1:].numel()
        return squared / max(counted, 1)


def not_applicable(mode: ProbeMode, numerics: Numerics) -> str:
    """Why a profile cannot run a mode; empty where it can."""
    bidirectional_only = numerics.name == "diffusers" and mode is not ProbeMode.BIDIRECTIONAL
    return "the port is bidirectional only" if bidirectional_only else ""


def compare(losses: Mapping[str, Sequence[float]]) -> list[ProfileLoss]:
    """Profiles from the lowest mean loss upwards; differences are paired by case."""
    best = min(losses, key=lambda name: fmean(losses[name]))
    ranked = []
    for name in sorted(losses, key=lambda name: fmean(losses[name])):
        excess = [one - least for one, least in zip(losses[name], losses[best], strict=True)]
        error = stdev(excess) / sqrt(len(excess)) if len(excess) > 1 else 0.0
        ranked.append(
            ProfileLoss(
                profile=name, loss=fmean(losses[name]), against_best=max(fmean(excess), 0.0), standard_error=error
            )
        )
    return ranked


def recommend(ranked: Sequence[ProfileLoss], stated: str) -> tuple[str, str]:
    """The profile to run under and why: the best if it is distinctly so, else the stated one.

    A profile that is not distinctly worse than the best cannot be told from it.
    """
    tied = [one for one in ranked[1:] if one.against_best <= DISTINCT * one.standard_error or one.against_best == 0]
    best = ranked[0].profile
    if not tied:
        return best, f"every other profile is worse by more than {DISTINCT:g} standard errors"
    names = [best, *(one.profile for one in tied)]
    kept = stated if stated in names else best
    return kept, f"{', '.join(names)} cannot be told apart on these clips"


def run_under(model: SanaWM, numerics: Numerics) -> SanaWM:
    """The same parameters under another profile, in evaluation mode."""
    with torch.device("meta"):
        other = SanaWM(model.config, numerics)
    other.load_state_dict(model.state_dict(), strict=True, assign=True)
    return other.eval()
