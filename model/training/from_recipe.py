"""From the parts of a recipe to the objects they describe."""

from dataclasses import replace
from pathlib import Path

from data_contracts.latents import LatentRow
from data_contracts.recipe import (
    ArchitectureRecipe,
    CorpusRecipe,
    OptimizerRecipe,
    Preset,
    SubsetRule,
    TimestepKind,
    TimestepRecipe,
)
from model.config import BackboneConfig, paper, tiny
from model.data.corpus_view import CorpusView, Subset
from model.data.latent_dataset import LatentDataset
from model.training.chunk_mixture import ChunkMixture
from model.training.noise_levels import NoiseLevels, PerChunk, PerClip
from model.training.optimizer import OptimizerSettings


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


def optimizer_of(recipe: OptimizerRecipe, steps: int) -> OptimizerSettings:
    """The same values, for a run of ``steps``."""
    return OptimizerSettings(**recipe.model_dump(), steps=steps)


def open_corpus(directory: Path, recipe: CorpusRecipe, subset: Subset) -> LatentDataset:
    """The clips a recipe reads, of one side of the split; the subset rule applies to training clips alone.

    Raises:
        OperationError: the view holds no clip.
    """
    view = CorpusView(
        subset=subset,
        sources=tuple(recipe.sources),
        minimum_raw_frames=recipe.minimum_raw_frames,
        maximum_raw_frames=recipe.maximum_raw_frames,
        source_weights=recipe.source_weights,
    )
    dataset = LatentDataset(directory, view)
    if subset is Subset.TRAIN and recipe.subset_rule is SubsetRule.CODEC_FIDELITY:
        dataset.rows = best_encoded(dataset.rows, recipe.subset_fraction)
    return dataset


def best_encoded(rows: list[LatentRow], fraction: float) -> list[LatentRow]:
    """The share of clips with the highest codec PSNR (at least one), by clip id; ties go to the smaller id."""
    wanted = max(1, round(fraction * len(rows)))
    best = sorted(rows, key=lambda row: (-row.psnr, row.clip_id))[:wanted]
    return sorted(best, key=lambda row: row.clip_id)
