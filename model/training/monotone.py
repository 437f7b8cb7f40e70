"""Non-decreasing noise indices over chunks, drawn uniformly among all such sequences through one given point.

A non-decreasing sequence of ``n`` numbers out of ``m`` values is a multiset, and multisets correspond one to one to
``n``-subsets of ``m + n - 1`` positions (subtract its rank from each chosen position). A uniform subset is therefore a
uniform lattice path, exactly, without the usual dynamic program over counts.
"""

import torch
from jaxtyping import Int
from torch import Tensor


def uniform_monotone(length: int, lowest: int, highest: int, generator: torch.Generator) -> Int[Tensor, " length"]:
    """A uniform non-decreasing sequence of ``length`` integers in [lowest, highest].

    Raises:
        ValueError: the range is empty or the length negative.
    """
    if highest < lowest or length < 0:
        raise ValueError(f"no non-decreasing sequence of length {length} in [{lowest}, {highest}]")
    positions = highest - lowest + length
    chosen = torch.randperm(positions, generator=generator)[:length].sort().values
    return chosen - torch.arange(length) + lowest


def monotone_through(
    chunks: int, anchor_chunk: int, anchor_index: int, indices: int, generator: torch.Generator
) -> Int[Tensor, " chunks"]:
    """A uniform non-decreasing sequence over ``chunks`` whose value at ``anchor_chunk`` is ``anchor_index``.

    Values lie in [0, indices - 1]: later chunks are noisier, as in a rollout.

    Raises:
        ValueError: the anchor is not one of the chunks or indices.
    """
    if not (0 <= anchor_chunk < chunks and 0 <= anchor_index < indices):
        raise ValueError(f"anchor ({anchor_chunk}, {anchor_index}) is outside {chunks} chunks x {indices} indices")
    before = uniform_monotone(anchor_chunk, 0, anchor_index, generator)
    after = uniform_monotone(chunks - anchor_chunk - 1, anchor_index, indices - 1, generator)
    return torch.cat((before, torch.tensor([anchor_index]), after))
