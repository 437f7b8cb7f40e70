"""Noise indices per chunk for chunk-causal fine-tuning: a mixture of four schedules.

``same``: one index for all chunks. ``incremental``: a uniform monotone path through a random chunk.
``last_chunk_anchor``: the same, anchored at the last chunk. ``teacher_forcing_clean``: the previous, of which a random
proper prefix of chunks is clean (index 0).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from model.training.monotone import monotone_through


@dataclass(frozen=True)
class ChunkMixture:
    """Weights of the four schedules, normalized when used.

    Raises:
        ValueError: a weight is negative or all are 0.
    """

    same: float
    incremental: float
    last_chunk_anchor: float
    teacher_forcing_clean: float

    def __post_init__(self) -> None:
        if min(self.weights) < 0 or sum(self.weights) <= 0:
            raise ValueError(f"mixture weights must be non-negative and not all 0, got {self.weights}")

    @property
    def weights(self) -> tuple[float, float, float, float]:
        """Weights in the order of the fields."""
        return (self.same, self.incremental, self.last_chunk_anchor, self.teacher_forcing_clean)

    def draw(self, base_index: int, chunks: int, indices: int, generator: torch.Generator) -> Int[Tensor, " chunks"]:
        """One noise index per chunk of one clip; ``base_index`` is the anchor's, out of ``indices``."""
        kind = int(torch.multinomial(torch.tensor(self.weights, dtype=torch.float64), 1, generator=generator))
        if kind == 0:
            return torch.full((chunks,), base_index)
        anchor = chunks - 1
        if kind == 1:
            anchor = int(torch.randint(chunks, (1,), generator=generator))
        drawn = monotone_through(chunks, anchor, base_index, indices, generator)
        if kind == 3 and chunks > 1:
            clean = int(torch.randint(1, chunks, (1,), generator=generator))
            drawn[:clean] = 0
        return drawn
