"""What every rank does for one training stage: parent in, trained checkpoint and reports out."""

from dataclasses import dataclass
from pathlib import Path

import torch

from data_contracts.checkpoint import TransferReport
from data_contracts.errors import ErrorCode, InputError
from data_contracts.files import write_record
from data_contracts.recipe import HeldOutRecipe
from data_contracts.report import StageSummary
from data_contracts.training import HeldOutReport
from infra.stage import ProgressSink, digest_file
from infra.torchrun.messages import RankJob
from model.backbone import SanaWM
from model.checkpoints import carry_weights, checkpoint_info, load_checkpoint, save_checkpoint
from model.config import numerics_named
from model.data.corpus_view import Subset
from model.data.latent_dataset import LatentDataset
from model.layers.initialization import build_backbone
from model.recomputation import recompute_blocks
from model.training.example import example_of
from model.training.from_recipe import backbone_of, open_corpus
from model.training.generators import named_generator
from model.training.held_out import HeldOutSet
from model.training.loop import FlowTrainer, LoopSettings, StepResult, metrics_of
from model.training.ranks import Ranks
from tasks.training.building import chunk_frames_of, loop_settings
from tasks.training.config import TrainingConfig


@dataclass(frozen=True)
class Start:
    """Where a stage starts: its model, how it came to be, and the digest of the parent's weights."""

    model: SanaWM
    transfer: TransferReport
    parent_digest: str


def train_stage(job: RankJob, progress: ProgressSink) -> StageSummary:
    """Train one stage on this rank; rank 0 writes the artifact.

    Raises:
        InputError: the parent or the latents do not fit the recipe.
        OperationError: training diverged.
    """
    config = TrainingConfig.model_validate(job.config)
    ranks = Ranks.of_world(config.parallel.context_parallel)
    settings = loop_settings(config)
    latents = Path(job.inputs["latents"])
    corpus = open_corpus(latents, config.corpus, Subset.TRAIN)
    held_out = fixed_clips(latents, config)
    start = starting_point(job, config)
    device = torch.device(config.compute.device.value)
    model = start.model.to(device).train()
    recompute_blocks(model, config.compute.recomputation)

    before = _measure(model, held_out, settings, ranks)
    progress.start(job.stage, config.steps)
    results = _run_steps(config, settings, (model, corpus), ranks, progress)
    after = _measure(model, held_out, settings, ranks)

    report = held_out_report(held_out, config.held_out, before, after)
    if ranks.rank == 0:
        _write(job, config, start, results, report)
    return StageSummary(
        items=len(corpus),
        metrics={
            "loss_first": results[0].loss,
            "loss_last": results[-1].loss,
            "held_out_before": report.before,
            "held_out_after": report.after,
        },
    )


def starting_point(job: RankJob, config: TrainingConfig) -> Start:
    """The parent's weights under the recipe's architecture, or random ones for a stage without parent.

    Raises:
        InputError: the parent is not a checkpoint, or no rule leads from it to this architecture.
    """
    generator = named_generator(config.seed, job.stage, "weights")
    numerics = numerics_named(config.architecture.numerics.value)
    child = build_backbone(backbone_of(config.architecture), numerics, generator)
    if not config.parent:
        initialized = dict.fromkeys(sorted(child.state_dict()), "random")
        return Start(child, TransferReport(rules=[], carried=[], initialized=initialized, dropped=[]), "")
    directory = Path(job.inputs[config.parent])
    parent, _ = load_checkpoint(directory)
    try:
        report = carry_weights(parent, child, generator)
    except ValueError as error:
        raise InputError(
            ErrorCode.CONFIG_INVALID,
            f"{job.stage} cannot start from {config.parent}: {error}",
            "name a parent whose architecture a transfer rule starts from",
        ) from error
    return Start(child, report, digest_file(directory / "model.safetensors"))


@dataclass(frozen=True)
class FixedClips:
    """Held-out clips with their ids."""

    clip_ids: list[str]
    held_out: HeldOutSet


def fixed_clips(latents: Path, config: TrainingConfig) -> FixedClips:
    """The first held-out clips by id, grouped by shape."""
    dataset = open_corpus(latents, config.corpus, Subset.HELD_OUT)
    rows = list(enumerate(dataset.rows))[: config.held_out.clips]
    groups: dict[tuple[int, int, int], list[int]] = {}
    for index, row in rows:
        groups.setdefault((row.frames, row.latent_height, row.latent_width), []).append(index)
    device = torch.device(config.compute.device.value)
    examples = [
        example_of(dataset.collate(indices), config.architecture.camera).to(device) for indices in groups.values()
    ]
    held_out = HeldOutSet(examples, config.held_out.noise_levels, config.held_out.seed)
    return FixedClips([row.clip_id for _, row in rows], held_out)


def held_out_report(
    clips: FixedClips, recipe: HeldOutRecipe, before: tuple[float, float | None], after: tuple[float, float | None]
) -> HeldOutReport:
    """Both measurements, true cameras and shuffled ones."""
    return HeldOutReport(
        objective="flow matching: mean squared error of the velocity",
        before=before[0],
        after=after[0],
        fall=1 - after[0] / before[0],
        before_shuffled_cameras=before[1],
        after_shuffled_cameras=after[1],
        clips=len(clips.clip_ids),
        noise_levels=recipe.noise_levels,
        clip_ids=clips.clip_ids,
    )


def _measure(model: SanaWM, clips: FixedClips, settings: LoopSettings, ranks: Ranks) -> tuple[float, float | None]:
    """The objective under true cameras and, where the model has a camera input, under shuffled ones."""
    levels = settings.draws.levels
    true = clips.held_out.measure(model, settings.objective, levels, ranks)
    if not model.config.camera_branch:
        return true, None
    return true, clips.held_out.measure(model, settings.objective, levels, ranks, shuffled_cameras=True)


def _run_steps(
    config: TrainingConfig,
    settings: LoopSettings,
    training: tuple[SanaWM, LatentDataset],
    ranks: Ranks,
    progress: ProgressSink,
) -> list[StepResult]:
    model, corpus = training
    device = next(model.parameters()).device
    trainer = FlowTrainer(model, corpus.null_text, settings, ranks)
    results = []
    for step in range(config.steps):
        clips = config.parallel.clips_per_group
        batch = corpus.batch(step, ranks.data_rank, ranks.data_size, clips, config.seed)
        results.append(trainer.step(step, example_of(batch, config.architecture.camera).to(device)))
        progress.advance()
    return results


def _write(
    job: RankJob, config: TrainingConfig, start: Start, results: list[StepResult], report: HeldOutReport
) -> None:
    output = Path(job.output)
    info = checkpoint_info(start.model, job.stage, start.parent_digest)
    save_checkpoint(output, start.model, info.model_copy(update={"chunk_frames": chunk_frames_of(config)}))
    write_record(output / "metrics.json", metrics_of(results))
    write_record(output / "held_out.json", report)
    write_record(output / "transfer.json", start.transfer)
