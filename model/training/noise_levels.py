"""Noise levels of one step, as indices of the unshifted 1000-step grid, one per latent frame."""

from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Int
from torch import Tensor

from model.causal import ChunkLayout
from model.training.chunk_mixture import ChunkMixture

INDICES = 1000


class NoiseLevels(Protocol):
    """How the noise indices of one clip follow from its base index."""

    def spread(self, base_index: int, layout: ChunkLayout, generator: torch.Generator) -> Int[Tensor, " frames"]:
        """One index per latent frame."""
        ...


@dataclass(frozen=True)
class PerClip:
    """One index for the whole clip."""

    def spread(
        self,
        base_index: int,
        layout: ChunkLayout,
        generator: torch.Generator,  # noqa: ARG002 - the protocol's signature
    ) -> Int[Tensor, " frames"]:
        """The base index at every frame."""
        return torch.full((layout.frames,), base_index)


@dataclass(frozen=True)
class PerChunk:
    """One index per chunk, by a mixture of schedules."""

    mixture: ChunkMixture

    def spread(self, base_index: int, layout: ChunkLayout, generator: torch.Generator) -> Int[Tensor, " frames"]:
        """Each chunk's index at all its frames."""
        per_chunk = self.mixture.draw(base_index, len(layout.starts), INDICES, generator)
        return per_chunk[torch.tensor(layout.chunk_ids)]


def logit_normal_index(normal: float) -> int:
    """``floor(1000 sigmoid(z))``: the base index that a standard normal number stands for."""
    return min(int(INDICES * torch.sigmoid(torch.tensor(normal, dtype=torch.float64))), INDICES - 1)


def quantile_index(part: int, parts: int) -> int:
    """Base index in the middle of part ``part`` of ``parts`` equal parts of the training distribution.

    >>> [quantile_index(part, 3) for part in range(3)]
    [275, 500, 724]
    """
    middle = torch.tensor((part + 0.5) / parts, dtype=torch.float64)
    return logit_normal_index(float(torch.special.ndtri(middle)))
