"""Stage ``self_forcing`` on one rank: few-step distillation of the student on its own rollouts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from data_contracts.checkpoint import TransferReport
from data_contracts.files import write_record
from data_contracts.report import StageSummary
from data_contracts.training import HeldOutReport, RolloutReport
from infra.stage import ProgressSink, digest_file
from infra.torchrun.messages import RankJob
from model.backbone import SanaWM
from model.checkpoints import carry_weights, checkpoint_info, load_checkpoint, save_checkpoint
from model.config import require_trainable
from model.data.corpus_view import Subset
from model.data.latent_dataset import LatentDataset
from model.distill.clips import DistillationClips
from model.distill.distribution_matching import MatchingSettings
from model.distill.self_forcing import Chances, Players, SelfForcing
from model.training.from_recipe import open_corpus, optimizer_of
from model.training.generators import named_generator
from model.training.loop import StepResult, check_finite, metrics_of
from model.training.optimizer import Optimizer
from model.training.ranks import Ranks
from tasks.distillation.config import SelfForcingConfig
from tasks.distillation.shared import clips_of, held_out_clips, rollout_settings
from tasks.distillation.stability import long_rollout

LossOf = Callable[[Players, DistillationClips, Chances], Float[Tensor, ""]]


@dataclass(frozen=True)
class Opening:
    """What training starts from: the networks and how the student's weights were carried."""

    players: Players
    transfer: TransferReport


@dataclass(frozen=True)
class HeldOut:
    """The fixed clips: those of this data group, and the ids of all."""

    dataset: LatentDataset
    indices: list[int]
    own: list[DistillationClips]

    @property
    def clip_ids(self) -> list[str]:
        """Of all held-out clips."""
        return [self.dataset.rows[index].clip_id for index in self.indices]


def train_self_forcing(job: RankJob, progress: ProgressSink) -> StageSummary:
    """Distil; rank 0 rolls out ten times as long and writes the artifact.

    Raises:
        InputError: a parent is not a checkpoint.
        OperationError: training diverged.
    """
    config = SelfForcingConfig.model_validate(job.config)
    ranks, latents = Ranks.of_world(config.parallel.context_parallel), Path(job.inputs["latents"])
    opening = _opening(job, config)
    levels = MatchingSettings(
        config.matching.shift, config.matching.lowest, config.matching.highest, config.matching.guidance
    )
    losses = SelfForcing(rollout_settings(config.student), levels, config.student.chunk_frames, ranks)
    corpus = open_corpus(latents, config.corpus, Subset.TRAIN)
    held_out = _held_out(latents, config, ranks)

    before = _measure(losses, opening.players, held_out, config)
    results = _Distillation(config, losses, opening.players, corpus).run(progress)
    after = _measure(losses, opening.players, held_out, config)
    metrics = {"held_out_before": before, "held_out_after": after}
    if ranks.rank == 0:
        clip = (held_out.dataset, held_out.indices[0])
        rollout = long_rollout(opening.players.student, latents, clip, config.student, config.rollout)
        _write(job, config, opening, results, _report(config, held_out, before, after), rollout)
        metrics |= {"smallest_ratio": rollout.smallest_ratio, "largest_ratio": rollout.largest_ratio}
    return StageSummary(items=len(corpus), metrics=metrics)


def _opening(job: RankJob, config: SelfForcingConfig) -> Opening:
    """The student from the ODE regression; critic and real score from the bidirectional model."""
    parent, _ = load_checkpoint(Path(job.inputs[config.generator]))
    real, _ = load_checkpoint(Path(job.inputs[config.scores]))
    generator = named_generator(config.seed, "self_forcing", "weights")
    student, critic = SanaWM(parent.config, parent.numerics), SanaWM(real.config, real.numerics)
    transfer = carry_weights(parent, student, generator)
    carry_weights(real, critic, generator)
    return Opening(Players(student.eval(), critic.eval(), real.requires_grad_(False)), transfer)


def _held_out(latents: Path, config: SelfForcingConfig, ranks: Ranks) -> HeldOut:
    dataset, indices = held_out_clips(latents, config.corpus, config.held_out.clips)
    own = [
        clips_of(dataset, [index], config.student)
        for number, index in enumerate(indices)
        if number % ranks.data_size == ranks.data_rank
    ]
    return HeldOut(dataset, indices, own)


def _measure(losses: SelfForcing, players: Players, held_out: HeldOut, config: SelfForcingConfig) -> float:
    """Critic loss on the student's rollouts of the fixed clips, at levels spread evenly over the allowed range."""
    parts, low, high = config.held_out.noise_levels, config.matching.lowest, config.matching.highest
    sigmas = [low + (high - low) * (part + 0.5) / parts for part in range(parts)]
    total = torch.zeros((), dtype=torch.float64)
    for number, clips in enumerate(held_out.own):
        generator = named_generator(config.held_out.seed, "self_forcing", losses.ranks.data_rank, number)
        total += losses.fixed_critic_loss(players, clips, sigmas, generator)
    return float(losses.ranks.sum(total)) / len(held_out.indices)


class _Distillation:
    """The two-player loop: every step updates the critic, every ``critic_steps``-th first updates the student."""

    def __init__(self, config: SelfForcingConfig, losses: SelfForcing, players: Players, corpus: LatentDataset) -> None:
        self._config, self._losses, self._players, self._corpus = config, losses, players, corpus
        self._schedule = corpus.schedule(config.parallel.global_batch, config.seed)
        self._batches = 0
        updates = -(-config.steps // config.matching.critic_steps)
        require_trainable(players.student.numerics)
        self._student = Optimizer(players.student.parameters(), optimizer_of(config.generator_optimizer, updates))
        self._critic = Optimizer(players.critic.parameters(), optimizer_of(config.critic_optimizer, config.steps))

    def run(self, progress: ProgressSink) -> list[StepResult]:
        """All steps; the numbers are the critic's."""
        progress.start("self_forcing", self._config.steps)
        results = []
        for step in range(self._config.steps):
            update, rest = divmod(step, self._config.matching.critic_steps)
            if rest == 0:
                self._update(self._student, self._losses.generator_loss, ("student", update))
            results.append(self._update(self._critic, self._losses.critic_loss, ("critic", step)))
            progress.advance()
        return results

    def _update(self, optimizer: Optimizer, loss_of: LossOf, purpose: tuple[str, int]) -> StepResult:
        """One update of one player from a batch of its own."""
        ranks = self._losses.ranks
        player, step = purpose
        optimizer.zero_grad()
        share = loss_of(self._players, self._next_clips(), self._chances(player, step)) / ranks.data_size
        share.backward()
        ranks.sum_gradients(optimizer.parameters)
        value, norm = float(ranks.sum(share)), optimizer.clip()
        check_finite(value, step, f"{player} loss")
        check_finite(norm, step, f"{player} gradient norm")
        return StepResult(value, norm, optimizer.apply(step))

    def _chances(self, player: str, step: int) -> Chances:
        """One exit step for the whole world, noise of one's own for every data group."""
        seed, steps = self._config.seed, len(self._config.student.sigmas)
        exit_step = int(torch.randint(steps, (1,), generator=named_generator(seed, player, "exit", step)))
        return Chances(exit_step, named_generator(seed, player, "noise", step, self._losses.ranks.data_rank))

    def _next_clips(self) -> DistillationClips:
        count, rank = self._config.parallel.clips_per_group, self._losses.ranks.data_rank
        indices = self._schedule.indices(self._batches)[rank * count : (rank + 1) * count]
        self._batches += 1
        return clips_of(self._corpus, indices, self._config.student)


def _write(
    job: RankJob,
    config: SelfForcingConfig,
    opening: Opening,
    results: list[StepResult],
    report: HeldOutReport,
    rollout: RolloutReport,
) -> None:
    output, student = Path(job.output), opening.players.student
    parent_digest = digest_file(Path(job.inputs[config.generator]) / "model.safetensors")
    info = checkpoint_info(student, job.stage, parent_digest)
    sigmas, chunk = list(config.student.sigmas), config.student.chunk_frames
    save_checkpoint(output, student, info.model_copy(update={"chunk_frames": chunk, "sigmas": sigmas}))
    write_record(output / "transfer.json", opening.transfer)
    write_record(output / "metrics.json", metrics_of(results))
    write_record(output / "held_out.json", report)
    write_record(output / "rollout.json", rollout)


def _report(config: SelfForcingConfig, held_out: HeldOut, before: float, after: float) -> HeldOutReport:
    return HeldOutReport(
        objective="self-forcing: flow matching of the critic on the student's rollouts",
        before=before,
        after=after,
        fall=1 - after / before,
        before_shuffled_cameras=None,
        after_shuffled_cameras=None,
        clips=len(held_out.indices),
        noise_levels=config.held_out.noise_levels,
        clip_ids=held_out.clip_ids,
    )
