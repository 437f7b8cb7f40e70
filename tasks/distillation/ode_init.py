"""Stage ``ode_init``: the student learns to jump along trajectories of the chunk-causal teacher."""

from dataclasses import dataclass
from pathlib import Path

import torch

from data_contracts.files import write_record
from data_contracts.report import StageSummary
from data_contracts.training import HeldOutReport
from infra.stage import StageContext, digest_file
from model.backbone import SanaWM
from model.checkpoints import carry_weights, checkpoint_info, load_checkpoint, save_checkpoint
from model.data.corpus_view import Subset
from model.data.latent_dataset import LatentDataset
from model.distill.clips import DistillationClips
from model.distill.ode import Trajectory, draw_levels, ode_loss
from model.distill.trajectory import TrajectorySettings, integration_grid, teacher_trajectory
from model.training.from_recipe import open_corpus, optimizer_of
from model.training.generators import named_generator
from model.training.loop import StepResult, check_finite
from model.training.optimizer import Optimizer
from tasks.distillation.config import OdeInitConfig
from tasks.distillation.metrics import metrics_of
from tasks.distillation.shared import clips_of, held_out_clips, layout_of


@dataclass(frozen=True)
class HeldOut:
    """Held-out trajectories, and the levels each chunk starts from, a draw a measurement."""

    clip_ids: list[str]
    trajectory: Trajectory
    draws: list[torch.Tensor]


def train_ode_init(context: StageContext[OdeInitConfig]) -> StageSummary:
    """Generate trajectories, regress, write the artifact."""
    config, latents = context.config, context.inputs["latents"]
    teacher_home = context.inputs[config.teacher]
    teacher, _ = load_checkpoint(teacher_home)
    student = SanaWM(teacher.config, teacher.numerics)
    transfer = carry_weights(teacher, student, named_generator(config.seed, "ode_init", "weights"))

    corpus = open_corpus(latents, config.corpus, Subset.TRAIN)
    context.progress.start(context.name, config.trajectories.clips + config.steps)
    trajectories = _training_trajectories(context, teacher, corpus)
    held_out = _held_out(config, teacher, latents)

    before = _measure(student, config, held_out)
    results = _regress(context, student, trajectories)
    after = _measure(student, config, held_out)
    report = _report(config, held_out, before, after)
    _write(context.outputs["ode_init"], config, student, digest_file(teacher_home / "model.safetensors"))
    write_record(context.outputs["ode_init"] / "metrics.json", metrics_of(results))
    write_record(context.outputs["ode_init"] / "held_out.json", report)
    write_record(context.outputs["ode_init"] / "transfer.json", transfer)
    return StageSummary(items=len(trajectories), metrics={"held_out_before": before, "held_out_after": after})


def _training_trajectories(
    context: StageContext[OdeInitConfig], teacher: SanaWM, corpus: LatentDataset
) -> list[Trajectory]:
    """One trajectory per batch of the corpus's order, until the recipe's number of clips is reached."""
    config = context.config
    schedule = corpus.schedule(config.parallel.global_batch, config.seed)
    trajectories, made = [], 0
    while made < config.trajectories.clips:
        indices = schedule.indices(len(trajectories))
        clips = clips_of(corpus, indices, config.student, config.trajectories.guidance)
        trajectories.append(_trajectory(config, teacher, clips, ("train", len(trajectories))))
        made += len(indices)
        context.progress.advance(len(indices))
    return trajectories


def _trajectory(
    config: OdeInitConfig, teacher: SanaWM, clips: DistillationClips, purpose: tuple[str, int]
) -> Trajectory:
    recorded = (*config.student.sigmas, 0.0)
    settings = TrajectorySettings(integration_grid(recorded, config.trajectories.substeps), recorded)
    noise = torch.randn(clips.latents.shape, generator=named_generator(config.seed, "trajectory", *purpose))
    layout = layout_of(config.student, clips.frames)
    states = teacher_trajectory(teacher, noise, clips.first_frame, clips.given, layout, settings)
    return Trajectory(states, recorded, clips.given)


def _held_out(config: OdeInitConfig, teacher: SanaWM, latents: Path) -> HeldOut:
    dataset, indices = held_out_clips(latents, config.corpus, config.held_out.clips)
    clips = clips_of(dataset, indices, config.student, config.trajectories.guidance)
    trajectory = _trajectory(config, teacher, clips, ("held-out", config.held_out.seed))
    layout = layout_of(config.student, clips.frames)
    # Level k at every chunk, for each level but the clean end.
    draws = [torch.full((len(indices), len(layout.starts)), level) for level in range(len(config.student.sigmas))]
    return HeldOut([dataset.rows[index].clip_id for index in indices], trajectory, draws)


@torch.no_grad()
def _measure(student: SanaWM, config: OdeInitConfig, held_out: HeldOut) -> float:
    """Mean error of the predicted clean latents over the student's noise levels."""
    layout = layout_of(config.student, held_out.trajectory.states.shape[3])
    losses = [ode_loss(student, held_out.trajectory, layout, drawn) for drawn in held_out.draws]
    return float(torch.stack(losses).double().mean())


def _regress(context: StageContext[OdeInitConfig], student: SanaWM, trajectories: list[Trajectory]) -> list[StepResult]:
    config = context.config
    student.train()
    optimizer = Optimizer(student.parameters(), optimizer_of(config.optimizer, config.steps))
    results = []
    for step in range(config.steps):
        trajectory = trajectories[step % len(trajectories)]
        layout = layout_of(config.student, trajectory.states.shape[3])
        generator = named_generator(config.seed, "ode", step)
        drawn = draw_levels(layout, len(trajectory.levels), trajectory.states.shape[1], generator)
        optimizer.zero_grad()
        loss = ode_loss(student, trajectory, layout, drawn)
        loss.backward()
        value, norm = float(loss.detach()), optimizer.clip()
        check_finite(value, step, "x0 error")
        check_finite(norm, step, "gradient norm")
        results.append(StepResult(value, norm, optimizer.apply(step)))
        context.progress.advance()
    student.eval()
    return results


def _report(config: OdeInitConfig, held_out: HeldOut, before: float, after: float) -> HeldOutReport:
    return HeldOutReport(
        objective="ODE regression: mean squared error of the predicted clean latents",
        before=before,
        after=after,
        fall=1 - after / before,
        before_shuffled_cameras=None,
        after_shuffled_cameras=None,
        clips=len(held_out.clip_ids),
        noise_levels=len(config.student.sigmas),
        clip_ids=held_out.clip_ids,
    )


def _write(output: Path, config: OdeInitConfig, student: SanaWM, parent_digest: str) -> None:
    info = checkpoint_info(student, "ode_init", parent_digest)
    sigmas, chunk = list(config.student.sigmas), config.student.chunk_frames
    save_checkpoint(output, student, info.model_copy(update={"chunk_frames": chunk, "sigmas": sigmas}))
