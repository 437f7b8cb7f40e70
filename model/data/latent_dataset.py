"""Reader of a latents artifact: single clips, and deterministic batches by step and data rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from polars.exceptions import PolarsError
from torch import Tensor

from data_contracts.errors import ErrorCode, OperationError
from data_contracts.latents import LatentRow
from model.codecs.protocols import EncodedText
from model.codecs.store import load_null_text
from model.data.corpus_view import CorpusView
from model.data.latent_writer import INDEX, read_index
from model.data.schedule import BatchSchedule
from model.data.shards import ClipTensors, read_clip


@dataclass(frozen=True)
class LatentBatch:
    """Clips of one shape.

    Attributes:
        clip_ids: one per clip.
        latents: standardized latents, float32.
        camera_to_world: OpenCV camera-to-world per raw frame, metres, relative to frame 0, float64.
        intrinsics: fx fy cx cy per raw frame in pixels of ``image_size``, float64.
        image_size: height and width of the stored clips in pixels.
        text_states: text features, float32.
        text_mask: True where a token is real.
    """

    clip_ids: tuple[str, ...]
    latents: Float[Tensor, "batch 128 frames latent_height latent_width"]
    camera_to_world: Float[Tensor, "batch raw_frames 4 4"]
    intrinsics: Float[Tensor, "batch raw_frames 4"]
    image_size: tuple[int, int]
    text_states: Float[Tensor, "batch tokens caption_channels"]
    text_mask: Bool[Tensor, "batch tokens"]


class LatentDataset:
    """The clips of one view of a latents artifact, sorted by clip id.

    Args:
        directory: the artifact.
        view: which clips to see.

    Raises:
        OperationError: the index is missing or broken, or the view holds no clip.
    """

    def __init__(self, directory: Path, view: CorpusView | None = None) -> None:
        self.directory = directory
        self.view = view or CorpusView()
        self.rows: list[LatentRow] = self.view.select(_index(directory))
        if not self.rows:
            raise OperationError(
                ErrorCode.INPUT_MISSING,
                f"the view {self.view} holds none of the clips of {directory.name}",
                "widen the recipe's corpus view, or add clips to the corpus",
            )
        self.null_text: EncodedText = load_null_text(directory)
        self._schedules: dict[tuple[int, int], BatchSchedule] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def clip(self, index: int) -> ClipTensors:
        """The tensors of one clip, by its position in ``rows``."""
        row = self.rows[index]
        return read_clip(self.directory, row.shard, row.clip_id)

    def collate(self, indices: Sequence[int]) -> LatentBatch:
        """A batch of the clips at ``indices``.

        Raises:
            ValueError: no index, or clips of different shapes.
        """
        rows = [self.rows[index] for index in indices]
        sizes = {(row.frames, row.latent_height, row.latent_width) for row in rows}
        if len(sizes) != 1:
            raise ValueError(f"one batch holds clips of one shape, not {sorted(sizes)}")
        clips = [self.clip(index) for index in indices]
        return LatentBatch(
            clip_ids=tuple(row.clip_id for row in rows),
            latents=torch.stack([clip.latent for clip in clips]),
            camera_to_world=torch.stack([clip.camera_to_world for clip in clips]),
            intrinsics=torch.stack([clip.intrinsics for clip in clips]),
            image_size=(rows[0].height, rows[0].width),
            text_states=torch.stack([clip.text for clip in clips]),
            text_mask=torch.stack([clip.text_mask for clip in clips]),
        )

    def schedule(self, global_batch: int, seed: int) -> BatchSchedule:
        """The order of global batches of this view."""
        key = (global_batch, seed)
        if key not in self._schedules:
            weights = self.view.source_weights
            self._schedules[key] = BatchSchedule(
                shapes=[(row.frames, row.latent_height, row.latent_width) for row in self.rows],
                weights=[weights.get(row.source, 1.0) for row in self.rows],
                global_batch=global_batch,
                seed=seed,
            )
        return self._schedules[key]

    def batch(self, step: int, rank: int, world: int, batch_size: int, seed: int) -> LatentBatch:
        """The batch of one data rank at one step (from 0); together the ranks hold the step's global batch.

        Args:
            step: training step.
            rank: data-parallel rank (ranks of one context-parallel group share it).
            world: number of data-parallel ranks.
            batch_size: clips per data rank.
            seed: of the order.

        Raises:
            ValueError: ``rank`` is outside ``world``.
        """
        if not 0 <= rank < world:
            raise ValueError(f"rank is {rank}; it must be in 0..{world - 1}")
        indices = self.schedule(world * batch_size, seed).indices(step)
        return self.collate(indices[rank * batch_size : (rank + 1) * batch_size])


def _index(directory: Path) -> list[LatentRow]:
    path = directory / INDEX
    try:
        return read_index(path)
    except (OSError, ValueError, PolarsError) as error:
        raise OperationError(
            ErrorCode.ARTIFACT_CORRUPT,
            f"the index of {directory.name} cannot be read: {error}",
            "run the latents stage again (wm run --force latents)",
        ) from error
