"""Self-forcing: the student learns on its own rollouts, so training sees what serving will see.

One generator update for every few critic updates; both draw fresh rollouts.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.distill.clips import DistillationClips
from model.distill.distribution_matching import (
    MatchingSettings,
    NoisedSample,
    critic_loss,
    matching_loss,
    noised,
    score_gradient,
)
from model.distill.rollout import RolloutSettings, student_rollout


@dataclass(frozen=True)
class Players:
    """The three networks: the student, its critic (the fake score), and the frozen real score."""

    student: SanaWM
    critic: SanaWM
    real: SanaWM


@dataclass(frozen=True)
class SelfForcing:
    """Both losses of self-forcing for one batch of clips.

    Attributes:
        rollout: how the student is run.
        matching: noise levels and guidance of the scores.
        chunk_frames: latent frames of a chunk.
    """

    rollout: RolloutSettings
    matching: MatchingSettings
    chunk_frames: int

    def generator_loss(
        self, players: Players, clips: DistillationClips, generator: torch.Generator
    ) -> Float[Tensor, ""]:
        """Distribution matching at the student's rollout, which is differentiated at one common exit step."""
        exit_step = int(torch.randint(len(self.rollout.sigmas), (1,), generator=generator))
        sample = self._roll_out(players.student, clips, exit_step, generator)
        scored = self._noised(sample, generator)
        gradient = score_gradient(players.real, players.critic, scored, clips.given, self.matching.guidance)
        return matching_loss(sample, gradient)

    def critic_loss(self, players: Players, clips: DistillationClips, generator: torch.Generator) -> Float[Tensor, ""]:
        """Flow matching of the critic on a fresh rollout of the student."""
        exit_step = int(torch.randint(len(self.rollout.sigmas), (1,), generator=generator))
        with torch.no_grad():
            sample = self._roll_out(players.student, clips, exit_step, generator)
        return critic_loss(players.critic, self._noised(sample, generator), clips.given)

    @torch.no_grad()
    def fixed_critic_loss(
        self, players: Players, clips: DistillationClips, sigmas: list[float], generator: torch.Generator
    ) -> float:
        """The critic's loss on the student's full rollout at fixed noise levels, for comparison over training."""
        sample = self._roll_out(players.student, clips, len(self.rollout.sigmas) - 1, generator)
        losses = []
        for sigma in sigmas:
            noise = torch.randn(sample.shape, generator=generator)
            scored = noised(sample, torch.full((len(sample),), sigma), noise)
            losses.append(critic_loss(players.critic, scored, clips.given))
        return float(torch.stack(losses).double().mean())

    def _roll_out(
        self, student: SanaWM, clips: DistillationClips, exit_step: int, generator: torch.Generator
    ) -> Float[Tensor, "batch channels frames height width"]:
        layout = ChunkLayout.streaming(clips.frames, self.chunk_frames)
        return student_rollout(student, clips.first_frame, clips.given, layout, self.rollout, (exit_step, generator))

    def _noised(
        self, sample: Float[Tensor, "batch channels frames height width"], generator: torch.Generator
    ) -> NoisedSample:
        indices = torch.randint(1000, (len(sample),), generator=generator)
        return noised(sample, self.matching.sigma(indices), torch.randn(sample.shape, generator=generator))
