"""Stage ``ode_init`` on one rank: the student learns to jump along trajectories of the chunk-causal teacher."""

from dataclasses import dataclass
from pathlib import Path

import torch

from data_contracts.checkpoint import TransferReport
from data_contracts.files import write_record
from data_contracts.report import StageSummary
from data_contracts.training import HeldOutReport
from infra.stage import ProgressSink, digest_file
from infra.torchrun.messages import RankJob
from model.backbone import SanaWM
from model.checkpoints import carry_weights, checkpoint_info, load_checkpoint, save_checkpoint
from model.config import require_trainable
from model.data.corpus_view import Subset
from model.distill.clips import DistillationClips
from model.distill.ode import Trajectory, draw_levels, ode_loss
from model.distill.trajectory import TrajectorySettings, integration_grid, teacher_trajectory
from model.training.from_recipe import open_corpus, optimizer_of
from model.training.generators import named_generator
from model.training.loop import StepResult, check_finite, metrics_of
from model.training.optimizer import Optimizer
from model.training.ranks import Ranks
from tasks.distillation.config import OdeInitConfig
from tasks.distillation.shared import clips_of, held_out_clips, layout_of


@dataclass(frozen=True)
class HeldOut:
    """This data group's share of the held-out trajectories, and the ids of all held-out clips."""

    clip_ids: list[str]
    trajectories: list[Trajectory]


def train_ode_init(job: RankJob, progress: ProgressSink) -> StageSummary:
    """Generate trajectories, regress; rank 0 writes the artifact.

    Raises:
        InputError: the teacher is not a checkpoint.
        OperationError: training diverged.
    """
    config = OdeInitConfig.model_validate(job.config)
    ranks, latents = Ranks.of_world(config.parallel.context_parallel), Path(job.inputs["latents"])
    teacher_home = Path(job.inputs[config.teacher])
    teacher, _ = load_checkpoint(teacher_home)
    student = SanaWM(teacher.config, teacher.numerics)
    transfer = carry_weights(teacher, student, named_generator(config.seed, "ode_init", "weights"))

    corpus = open_corpus(latents, config.corpus, Subset.TRAIN)
    batches = -(-config.trajectories.clips // config.parallel.global_batch)
    progress.start(job.stage, batches + config.steps)
    trajectories = []
    for number in range(batches):
        indices = _own(corpus.schedule(config.parallel.global_batch, config.seed).indices(number), config, ranks)
        clips = clips_of(corpus, indices, config.student, config.trajectories.guidance)
        trajectories.append(_trajectory(config, teacher, clips, ("train", *indices)))
        progress.advance()
    held_out = _held_out(config, teacher, latents, ranks)

    before = _measure(student, config, held_out, ranks)
    results = _regress(student, trajectories, config, ranks, progress)
    after = _measure(student, config, held_out, ranks)
    if ranks.rank == 0:
        _write(job, config, (student, transfer), results, _report(config, held_out, before, after))
    return StageSummary(
        items=batches * config.parallel.global_batch, metrics={"held_out_before": before, "held_out_after": after}
    )


def _own(indices: list[int], config: OdeInitConfig, ranks: Ranks) -> list[int]:
    """This data group's part of a global batch."""
    count = config.parallel.clips_per_group
    return indices[ranks.data_rank * count : (ranks.data_rank + 1) * count]


def _trajectory(
    config: OdeInitConfig, teacher: SanaWM, clips: DistillationClips, purpose: tuple[str | int, ...]
) -> Trajectory:
    recorded = (*config.student.sigmas, 0.0)
    settings = TrajectorySettings(integration_grid(recorded, config.trajectories.substeps), recorded)
    noise = torch.randn(clips.latents.shape, generator=named_generator(config.seed, "trajectory", *purpose))
    layout = layout_of(config.student, clips.frames)
    states = teacher_trajectory(teacher, noise, clips.first_frame, clips.given, layout, settings)
    return Trajectory(states, recorded, clips.given)


def _held_out(config: OdeInitConfig, teacher: SanaWM, latents: Path, ranks: Ranks) -> HeldOut:
    dataset, indices = held_out_clips(latents, config.corpus, config.held_out.clips)
    trajectories = [
        _trajectory(config, teacher, clips_of(dataset, [index], config.student), ("held-out", number))
        for number, index in enumerate(indices)
        if number % ranks.data_size == ranks.data_rank
    ]
    return HeldOut([dataset.rows[index].clip_id for index in indices], trajectories)


@torch.no_grad()
def _measure(student: SanaWM, config: OdeInitConfig, held_out: HeldOut, ranks: Ranks) -> float:
    """Mean error of the predicted clean latents over the student's noise levels and the held-out clips."""
    total = torch.zeros((), dtype=torch.float64)
    for trajectory in held_out.trajectories:
        layout = layout_of(config.student, trajectory.states.shape[3])
        for level in range(len(config.student.sigmas)):
            drawn = torch.full((trajectory.states.shape[1], len(layout.starts)), level)
            total += ode_loss(student, trajectory, layout, drawn).double()
    cases = len(held_out.clip_ids) * len(config.student.sigmas) * ranks.context_size
    return float(ranks.sum(total)) / cases


def _regress(
    student: SanaWM, trajectories: list[Trajectory], config: OdeInitConfig, ranks: Ranks, progress: ProgressSink
) -> list[StepResult]:
    """Whole clips on every rank: the published recipe has no context parallelism."""
    require_trainable(student.numerics)
    optimizer = Optimizer(student.parameters(), optimizer_of(config.optimizer, config.steps))
    results = []
    for step in range(config.steps):
        trajectory = trajectories[step % len(trajectories)]
        layout = layout_of(config.student, trajectory.states.shape[3])
        generator = named_generator(config.seed, "ode", step, ranks.data_rank)
        drawn = draw_levels(layout, len(trajectory.levels), trajectory.states.shape[1], generator)
        optimizer.zero_grad()
        share = ode_loss(student, trajectory, layout, drawn) / ranks.world_size
        share.backward()
        ranks.sum_gradients(optimizer.parameters)
        value, norm = float(ranks.sum(share)), optimizer.clip()
        check_finite(value, step, "x0 error")
        check_finite(norm, step, "gradient norm")
        results.append(StepResult(value, norm, optimizer.apply(step)))
        progress.advance()
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


def _write(
    job: RankJob,
    config: OdeInitConfig,
    trained: tuple[SanaWM, TransferReport],
    results: list[StepResult],
    report: HeldOutReport,
) -> None:
    output, (student, transfer) = Path(job.output), trained
    info = checkpoint_info(student, job.stage, digest_file(Path(job.inputs[config.teacher]) / "model.safetensors"))
    sigmas, chunk = list(config.student.sigmas), config.student.chunk_frames
    save_checkpoint(output, student, info.model_copy(update={"chunk_frames": chunk, "sigmas": sigmas}))
    write_record(output / "metrics.json", metrics_of(results))
    write_record(output / "held_out.json", report)
    write_record(output / "transfer.json", transfer)
