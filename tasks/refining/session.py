"""What every rank does for ``refiner_lora``: pairs, base, adapters; rank 0 merges and writes."""

from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from data_contracts.files import write_record
from data_contracts.recipe import Preset
from data_contracts.refiner import RefinerArchitecture, RefinerInfo
from data_contracts.report import StageSummary
from data_contracts.training import HeldOutReport
from infra.stage import ProgressSink, digest_file
from infra.torchrun.messages import RankJob
from model.refiner.lora import MergeReport, adapter_weights, add_adapters, merge_adapters
from model.refiner.sampler import REFINER_SIGMAS
from model.refiner.training import RefinerObjective, plain_flow_matching
from model.refiner.transformer import RefinerConfig, build_refiner
from model.training.generators import named_generator
from model.training.loop import metrics_of
from model.training.ranks import Ranks
from tasks.refining.base import released_base
from tasks.refining.config import RefinerLoraConfig
from tasks.refining.pairs import Pairs, make_pairs
from tasks.refining.training import RefinerTraining


@dataclass(frozen=True)
class Weights:
    """The three files of the artifact."""

    base: dict[str, Tensor]
    adapters: dict[str, Tensor]
    merged: dict[str, Tensor]


def train_refiner(job: RankJob, progress: ProgressSink) -> StageSummary:
    """Make pairs, prepare the base, train the adapters, merge, report.

    Raises:
        InputError: the student is not a checkpoint.
        OperationError: training diverged.
    """
    config = RefinerLoraConfig.model_validate(job.config)
    ranks = Ranks.of_world(config.parallel.context_parallel)
    progress.start(job.stage, 2)
    pairs = make_pairs(job, config, ranks)
    progress.advance()
    objective = RefinerObjective(config.sigma_start, config.reference_frames, config.frame_rate)
    training = RefinerTraining(pairs, ranks, config.seed, progress)
    transformer = prepare_base(config, objective, training)
    base = {key: value.detach().clone() for key, value in transformer.state_dict().items()}

    trainable = add_adapters(transformer, config.adapters.rank, named_generator(config.seed, "adapters"))
    before = training.measure(transformer, objective, config.held_out)
    results = training.run(transformer, trainable, objective, (config.optimizer, config.steps, "adapters"))
    after = training.measure(transformer, objective, config.held_out)
    if ranks.rank == 0:
        adapters = adapter_weights(transformer)
        merged, report = merge_adapters(base, adapters, config.adapters.strength)
        output = Path(job.output)
        _write_weights(output, Weights(base, adapters, merged))
        write_record(output / "refiner.json", _info(job, config, report))
        write_record(output / "metrics.json", metrics_of(results))
        write_record(output / "held_out.json", _held_out(config, pairs, before, after))
    return StageSummary(items=config.pairs.clips, metrics={"held_out_before": before, "held_out_after": after})


def prepare_base(config: RefinerLoraConfig, objective: RefinerObjective, training: RefinerTraining) -> nn.Module:
    """The released base, or the embedded one after its short pre-training on the pairs' targets."""
    if config.base.repository:
        return released_base(config.base.repository, config.base.revision)
    transformer = build_refiner(_architecture(config), config.seed)
    recipe = config.optimizer.model_copy(update={"learning_rate": config.base.learning_rate})
    plan = (recipe, config.base.steps, "base")
    training.run(transformer, list(transformer.parameters()), plain_flow_matching(objective), plan)
    return transformer


def _architecture(config: RefinerLoraConfig) -> RefinerConfig:
    return RefinerConfig.tiny() if config.preset is Preset.TINY else RefinerConfig.paper()


def _write_weights(output: Path, weights: Weights) -> None:
    for name, tensors in (("base", weights.base), ("lora", weights.adapters), ("merged", weights.merged)):
        save_file({key: value.contiguous() for key, value in tensors.items()}, output / f"{name}.safetensors")


def _info(job: RankJob, config: RefinerLoraConfig, report: MergeReport) -> RefinerInfo:
    return RefinerInfo(
        preset=config.preset,
        architecture=RefinerArchitecture(**asdict(_architecture(config))),
        sigma_start=config.sigma_start,
        sigmas=list(REFINER_SIGMAS),
        reference_frames=config.reference_frames,
        frame_rate=config.frame_rate,
        rank=config.adapters.rank,
        strength=report.strength,
        merged=report.merged,
        untouched=len(report.untouched),
        student_digest=digest_file(Path(job.inputs[config.student]) / "model.safetensors"),
    )


def _held_out(config: RefinerLoraConfig, pairs: Pairs, before: float, after: float) -> HeldOutReport:
    return HeldOutReport(
        objective="truncated-sigma flow matching of the refiner (Eq. 11)",
        before=before,
        after=after,
        fall=1 - after / before,
        before_shuffled_cameras=None,
        after_shuffled_cameras=None,
        clips=len(pairs.clip_ids),
        noise_levels=config.held_out.noise_levels,
        clip_ids=pairs.clip_ids,
    )
