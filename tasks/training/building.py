"""From a recipe to the objects of ``model/training``: architecture, objective, settings, corpus view."""

from dataclasses import replace
from pathlib import Path

from data_contracts.recipe import (
    ArchitectureRecipe,
    CorpusRecipe,
    LayoutKind,
    OptimizerRecipe,
    Precision,
    Preset,
    SubsetRule,
    TimestepKind,
    TimestepRecipe,
)
from model.config import BackboneConfig, paper, tiny
from model.data.corpus_view import CorpusView, Subset
from model.data.latent_dataset import LatentDataset
from model.training.chunk_mixture import ChunkMixture
from model.training.draws import DrawSettings
from model.training.loop import LoopSettings
from model.training.noise_levels import NoiseLevels, PerChunk, PerClip
from model.training.objective import FlowObjective
from model.training.optimizer import OptimizerSettings
from tasks.training.config import TrainingConfig


def backbone_of(recipe: ArchitectureRecipe) -> BackboneConfig:
    """The preset with the recipe's mixer, softmax blocks and camera branches."""
    preset = tiny() if recipe.preset is Preset.TINY else paper()
    softmax = preset.softmax_blocks if recipe.hybrid else ()
    return replace(preset, mixer=recipe.mixer.value, softmax_blocks=softmax, camera_branch=recipe.camera)


def noise_levels_of(recipe: TimestepRecipe) -> NoiseLevels:
    """One level per clip, or the recipe's mixture per chunk."""
    if recipe.kind is TimestepKind.PER_CLIP:
        return PerClip()
    return PerChunk(ChunkMixture(*recipe.weights))


def optimizer_of(recipe: OptimizerRecipe) -> OptimizerSettings:
    """The same values."""
    return OptimizerSettings(**recipe.model_dump())


def loop_settings(config: TrainingConfig) -> LoopSettings:
    """Everything the loop needs besides model and data."""
    chunked = config.layout.kind is LayoutKind.FIRST_PLUS_ONE
    return LoopSettings(
        seed=config.seed,
        optimizer=optimizer_of(config.optimizer),
        draws=DrawSettings(config.flow.clean_first_frame, config.flow.text_dropout, noise_levels_of(config.timesteps)),
        objective=FlowObjective(
            shift=config.flow.shift,
            chunk_frames=config.layout.chunk_frames if chunked else None,
            bfloat16=config.compute.precision is Precision.BFLOAT16,
        ),
    )


def open_corpus(directory: Path, recipe: CorpusRecipe, subset: Subset) -> LatentDataset:
    """The clips a recipe reads, of one side of the split; the subset rule applies to training clips alone."""
    view = CorpusView(
        subset=subset,
        sources=tuple(recipe.sources),
        minimum_raw_frames=recipe.minimum_raw_frames,
        maximum_raw_frames=recipe.maximum_raw_frames,
        source_weights=recipe.source_weights,
    )
    dataset = LatentDataset(directory, view)
    if subset is Subset.TRAIN and recipe.subset_rule is SubsetRule.CODEC_FIDELITY:
        wanted = max(1, round(recipe.subset_fraction * len(dataset.rows)))
        best = sorted(dataset.rows, key=lambda row: (-row.psnr, row.clip_id))[:wanted]
        dataset.rows = sorted(best, key=lambda row: row.clip_id)
    return dataset
