"""Stage ``self_forcing``: few-step distillation of the student on its own rollouts."""

from dataclasses import dataclass
from pathlib import Path

from data_contracts.checkpoint import TransferReport
from data_contracts.files import write_record
from data_contracts.report import StageSummary
from data_contracts.training import HeldOutReport, RolloutReport
from infra.stage import StageContext, digest_file
from model.backbone import SanaWM
from model.checkpoints import carry_weights, checkpoint_info, load_checkpoint, save_checkpoint
from model.data.corpus_view import Subset
from model.data.latent_dataset import LatentDataset
from model.distill.clips import DistillationClips
from model.distill.distribution_matching import MatchingSettings
from model.distill.self_forcing import Players, SelfForcing
from model.training.from_recipe import open_corpus, optimizer_of
from model.training.generators import named_generator
from model.training.loop import StepResult, check_finite
from model.training.optimizer import Optimizer
from tasks.distillation.config import SelfForcingConfig
from tasks.distillation.metrics import metrics_of
from tasks.distillation.shared import clips_of, held_out_clips, rollout_settings
from tasks.distillation.stability import long_rollout


@dataclass(frozen=True)
class Opening:
    """What training starts from: the networks and how the student's weights were carried."""

    players: Players
    transfer: TransferReport


def train_self_forcing(context: StageContext[SelfForcingConfig]) -> StageSummary:
    """Distil, roll out ten times as long, write the artifact."""
    config, latents = context.config, context.inputs["latents"]
    opening = _opening(context)
    losses = SelfForcing(
        rollout_settings(config.student),
        MatchingSettings(
            config.matching.shift, config.matching.lowest, config.matching.highest, config.matching.guidance
        ),
        config.student.chunk_frames,
    )
    corpus = open_corpus(latents, config.corpus, Subset.TRAIN)
    dataset, indices = held_out_clips(latents, config.corpus, config.held_out.clips)
    fixed = clips_of(dataset, indices, config.student)

    before = _measure(losses, opening.players, fixed, config)
    results = _distil(context, losses, opening.players, corpus)
    after = _measure(losses, opening.players, fixed, config)
    rollout = long_rollout(opening.players.student, latents, (dataset, indices[0]), config.student, config.rollout)

    clip_ids = [dataset.rows[index].clip_id for index in indices]
    output = context.outputs["self_forcing"]
    _write_student(output, context, opening)
    write_record(output / "metrics.json", metrics_of(results))
    write_record(output / "held_out.json", _held_out_report(config, clip_ids, before, after))
    write_record(output / "rollout.json", rollout)
    return StageSummary(items=len(corpus), metrics=_numbers(before, after, rollout))


def _numbers(before: float, after: float, rollout: RolloutReport) -> dict[str, float]:
    return {
        "held_out_before": before,
        "held_out_after": after,
        "rollout_smallest_ratio": rollout.smallest_ratio,
        "rollout_largest_ratio": rollout.largest_ratio,
    }


def _opening(context: StageContext[SelfForcingConfig]) -> Opening:
    """The student from the ODE regression; critic and real score from the bidirectional model."""
    config = context.config
    parent, _ = load_checkpoint(context.inputs[config.generator])
    real, _ = load_checkpoint(context.inputs[config.scores])
    student = SanaWM(parent.config, parent.numerics)
    generator = named_generator(config.seed, "self_forcing", "weights")
    transfer = carry_weights(parent, student, generator)
    critic = SanaWM(real.config, real.numerics)
    carry_weights(real, critic, generator)
    return Opening(Players(student.eval(), critic.eval(), real.requires_grad_(False)), transfer)


def _measure(losses: SelfForcing, players: Players, clips: DistillationClips, config: SelfForcingConfig) -> float:
    """Critic loss on the student's rollouts of the fixed clips, at levels spread evenly over the allowed range."""
    parts, low, high = config.held_out.noise_levels, config.matching.lowest, config.matching.highest
    sigmas = [low + (high - low) * (part + 0.5) / parts for part in range(parts)]
    return losses.fixed_critic_loss(players, clips, sigmas, named_generator(config.held_out.seed, "self_forcing"))


def _distil(
    context: StageContext[SelfForcingConfig], losses: SelfForcing, players: Players, corpus: LatentDataset
) -> list[StepResult]:
    """Every step updates the critic; every ``critic_steps``-th also updates the student, first, on a batch of its own.

    The numbers returned are the critic's.
    """
    config = context.config
    every = config.matching.critic_steps
    student_optimizer = Optimizer(
        players.student.parameters(), optimizer_of(config.generator_optimizer, -(-config.steps // every))
    )
    critic_optimizer = Optimizer(players.critic.parameters(), optimizer_of(config.critic_optimizer, config.steps))
    schedule = corpus.schedule(config.parallel.global_batch, config.seed)
    context.progress.start(context.name, config.steps)
    results, batch = [], 0
    for step in range(config.steps):
        generator = named_generator(config.seed, "self_forcing", step)
        if step % every == 0:
            clips = clips_of(corpus, schedule.indices(batch), config.student)
            student_optimizer.zero_grad()
            losses.generator_loss(players, clips, generator).backward()
            check_finite(student_optimizer.clip(), step, "student gradient norm")
            student_optimizer.apply(step // every)
            batch += 1
        clips = clips_of(corpus, schedule.indices(batch), config.student)
        critic_optimizer.zero_grad()
        loss = losses.critic_loss(players, clips, generator)
        loss.backward()
        value, norm = float(loss.detach()), critic_optimizer.clip()
        check_finite(value, step, "critic loss")
        check_finite(norm, step, "critic gradient norm")
        results.append(StepResult(value, norm, critic_optimizer.apply(step)))
        batch += 1
        context.progress.advance()
    return results


def _write_student(output: Path, context: StageContext[SelfForcingConfig], opening: Opening) -> None:
    config = context.config
    parent_digest = digest_file(context.inputs[config.generator] / "model.safetensors")
    student = opening.players.student
    info = checkpoint_info(student, "self_forcing", parent_digest)
    sigmas, chunk = list(config.student.sigmas), config.student.chunk_frames
    save_checkpoint(output, student, info.model_copy(update={"chunk_frames": chunk, "sigmas": sigmas}))
    write_record(output / "transfer.json", opening.transfer)


def _held_out_report(config: SelfForcingConfig, clip_ids: list[str], before: float, after: float) -> HeldOutReport:
    return HeldOutReport(
        objective="self-forcing: flow matching of the critic on the student's rollouts",
        before=before,
        after=after,
        fall=1 - after / before,
        before_shuffled_cameras=None,
        after_shuffled_cameras=None,
        clips=len(clip_ids),
        noise_levels=config.held_out.noise_levels,
        clip_ids=clip_ids,
    )
