"""Self-forcing: the student learns on its own rollouts, so training sees what serving will see.

The rollout is the same on all ranks of a context-parallel group; the scores are sharded along time.
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
from model.training.ranks import Ranks

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True)
class Players:
    """The three networks: the student, its critic (the fake score), and the frozen real score."""

    student: SanaWM
    critic: SanaWM
    real: SanaWM


@dataclass(frozen=True)
class Chances:
    """The randomness of one update: the exit step (one for the whole world) and this data group's generator."""

    exit_step: int
    generator: torch.Generator


@dataclass(frozen=True)
class SelfForcing:
    """Both losses of self-forcing for one batch of clips; each is this rank's share of its group's loss.

    Attributes:
        rollout: how the student is run.
        matching: noise levels and guidance of the scores.
        chunk_frames: latent frames of a chunk.
        ranks: this process's place.
    """

    rollout: RolloutSettings
    matching: MatchingSettings
    chunk_frames: int
    ranks: Ranks

    def generator_loss(self, players: Players, clips: DistillationClips, chances: Chances) -> Float[Tensor, ""]:
        """Distribution matching at the student's rollout, which is differentiated at the exit step."""
        sample = self._roll_out(players.student, clips, chances)
        scored = self._noised(sample, chances.generator)
        gradient = score_gradient(players.real, players.critic, scored, clips.given, self.matching.guidance)
        return matching_loss(sample, gradient, scored)

    def critic_loss(self, players: Players, clips: DistillationClips, chances: Chances) -> Float[Tensor, ""]:
        """Flow matching of the critic on a fresh rollout of the student."""
        with torch.no_grad():
            sample = self._roll_out(players.student, clips, chances)
        return critic_loss(players.critic, self._noised(sample, chances.generator), clips.given)

    @torch.no_grad()
    def fixed_critic_loss(
        self, players: Players, clips: DistillationClips, sigmas: list[float], generator: torch.Generator
    ) -> float:
        """The critic's loss on the student's full rollout at fixed noise levels (this rank's share)."""
        sample = self._roll_out(players.student, clips, Chances(len(self.rollout.sigmas) - 1, generator))
        shard = self.ranks.shard(clips.frames)
        losses = []
        for sigma in sigmas:
            noise = torch.randn(sample.shape, generator=generator)
            scored = noised(sample, torch.full((len(sample),), sigma), noise, shard)
            losses.append(critic_loss(players.critic, scored, clips.given))
        return float(torch.stack(losses).double().mean())

    def _roll_out(self, student: SanaWM, clips: DistillationClips, chances: Chances) -> Latents:
        layout = ChunkLayout.streaming(clips.frames, self.chunk_frames)
        draws = (chances.exit_step, chances.generator)
        return student_rollout(student, clips.first_frame, clips.given, layout, self.rollout, draws)

    def _noised(self, sample: Latents, generator: torch.Generator) -> NoisedSample:
        indices = torch.randint(1000, (len(sample),), generator=generator)
        noise = torch.randn(sample.shape, generator=generator)
        return noised(sample, self.matching.sigma(indices), noise, self.ranks.shard(sample.shape[2]))
