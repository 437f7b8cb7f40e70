"""Which clips of a latents artifact a reader sees, and how often: the corpus view a recipe names."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from data_contracts.latents import LatentRow


class Subset(StrEnum):
    """The two sides of a split by scene."""

    TRAIN = "train"
    HELD_OUT = "held_out"


@dataclass(frozen=True)
class CorpusView:
    """A choice of clips.

    Attributes:
        subset: which side of the split.
        sources: sources to read; empty means all.
        minimum_raw_frames: shortest clip.
        maximum_raw_frames: longest clip; 0 means any.
        source_weights: how often a clip of a source is seen per epoch; 1 where a source is not named.
    """

    subset: Subset = Subset.TRAIN
    sources: tuple[str, ...] = ()
    minimum_raw_frames: int = 1
    maximum_raw_frames: int = 0
    source_weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for source, weight in self.source_weights.items():
            if weight <= 0:
                raise ValueError(f"source_weights[{source}] is {weight}; a weight must be above 0")

    def select(self, rows: Sequence[LatentRow]) -> list[LatentRow]:
        """The rows of this view, in their order."""
        return [row for row in split_by_scene(rows)[self.subset] if self._wants(row)]

    def _wants(self, row: LatentRow) -> bool:
        long_enough = row.raw_frames >= self.minimum_raw_frames
        short_enough = not self.maximum_raw_frames or row.raw_frames <= self.maximum_raw_frames
        return long_enough and short_enough and (not self.sources or row.source in self.sources)


def split_by_scene(rows: Sequence[LatentRow]) -> dict[Subset, list[LatentRow]]:
    """Training and held-out rows; no scene falls on both sides.

    The rows' own ``split`` decides (``train`` against anything else). A corpus that has just one of the two, as a small
    folder may, is split here: the scenes with the smallest hash are held out, one in eight and at least one. A corpus
    of one scene is its own held-out set, because there is nothing else to look at.
    """
    train = [row for row in rows if row.split == Subset.TRAIN]
    held_out = [row for row in rows if row.split != Subset.TRAIN]
    if not (train and held_out):
        scenes = sorted({row.scene_id for row in rows}, key=lambda scene: hashlib.sha256(scene.encode()).hexdigest())
        chosen = set(scenes[: max(1, len(scenes) // 8)]) if len(scenes) > 1 else set()
        train = [row for row in rows if row.scene_id not in chosen]
        held_out = [row for row in rows if row.scene_id in chosen] or list(rows)
    return {Subset.TRAIN: train, Subset.HELD_OUT: held_out}
