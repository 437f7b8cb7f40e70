"""What both distillation stages need: their clips, and the student's layout and cache."""

from collections.abc import Sequence
from pathlib import Path

from data_contracts.distillation import StudentRecipe
from data_contracts.recipe import CorpusRecipe
from model.causal import CacheWindow, ChunkLayout
from model.data.corpus_view import Subset
from model.data.latent_dataset import LatentDataset
from model.distill.clips import DistillationClips, distillation_clips
from model.distill.rollout import RolloutSettings
from model.training.example import example_of
from model.training.from_recipe import open_corpus


def rollout_settings(student: StudentRecipe) -> RolloutSettings:
    """Noise levels and cache window of the student."""
    window = CacheWindow(chunks=student.cached_chunks or None, sink=student.sink)
    return RolloutSettings(tuple(student.sigmas), window)


def layout_of(student: StudentRecipe, frames: int) -> ChunkLayout:
    """Chunks as when streaming."""
    return ChunkLayout.streaming(frames, student.chunk_frames)


def clips_of(
    dataset: LatentDataset, indices: Sequence[int], student: StudentRecipe, guidance: float = 1.0
) -> DistillationClips:
    """Clips of one shape by their position, with cameras."""
    example = example_of(dataset.collate(indices), with_camera=True)
    return distillation_clips(example, dataset.null_text, student.latent_frames, guidance)


def held_out_clips(latents: Path, corpus: CorpusRecipe, count: int) -> tuple[LatentDataset, list[int]]:
    """The first held-out clips (by id) that have the shape of the very first one."""
    dataset = open_corpus(latents, corpus, Subset.HELD_OUT)
    first = dataset.rows[0]
    shape = (first.frames, first.latent_height, first.latent_width)
    same = [i for i, row in enumerate(dataset.rows) if (row.frames, row.latent_height, row.latent_width) == shape]
    return dataset, same[:count]
