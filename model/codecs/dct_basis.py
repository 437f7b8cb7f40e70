r"""The linear maps of the embedded codec: RGB blocks to 128 DCT coefficients in a fixed order, and back.

A block of ``depth`` frames of 32x32 pixels (depth 1 for the first frame of a clip, 8 after it) goes to YCbCr and
through an orthonormal 3-D DCT-II; the lowest frequencies are kept, 108 of luma and 10 of each chroma plane. Low means
a small :math:`(w k_t)^2 + k_y^2 + k_x^2`. Colour transform, DCT and choice are all linear, so each direction is one
matrix.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from model.codecs.protocols import SPACE_STRIDE

LUMA_CHANNELS = 108
CHROMA_CHANNELS = 10
# A step in time frequency weighs more than one in space: of eight frames most of the energy is in their mean. Of
# 1..8, tried on seven real clips, 3 is within 0.1 dB of the best mean PSNR and gives fast cameras the most.
TIME_WEIGHT = 3.0

# ITU-R BT.601 luma weights; the chroma planes are scaled to [-1, 1] for RGB in [-1, 1].
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114
YCBCR_FROM_RGB = (
    (_RED, _GREEN, _BLUE),
    (-0.5 * _RED / (1 - _BLUE), -0.5 * _GREEN / (1 - _BLUE), 0.5),
    (0.5, -0.5 * _GREEN / (1 - _RED), -0.5 * _BLUE / (1 - _RED)),
)

Frequency = tuple[int, int, int, int]


@dataclass(frozen=True)
class BlockMaps:
    """Both directions for blocks of one depth, float32. A block is flattened as (colour, time, row, column).

    Attributes:
        analysis: RGB block to coefficients.
        synthesis: coefficients to RGB block; ``synthesis @ analysis`` is a projection.
    """

    analysis: Float[Tensor, "block channels"]
    synthesis: Float[Tensor, "channels block"]


def dct_matrix(size: int) -> Float[Tensor, "frequency sample"]:
    """Orthonormal DCT-II in float64: row ``k`` is the ``k``-th cosine."""
    frequency = torch.arange(size, dtype=torch.float64)[:, None]
    sample = torch.arange(size, dtype=torch.float64)[None, :]
    matrix = torch.cos(math.pi / size * (sample + 0.5) * frequency) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix


def kept_frequencies(depth: int) -> list[Frequency]:
    """The 128 kept coefficients in channel order, each as (plane, time, row, column) frequency.

    Within a plane the still frequencies come first, so that a channel of the first latent frame and the same channel
    of a later one show the same pattern wherever both can.
    """
    order = _by_frequency(depth)
    luma = sorted(order[:LUMA_CHANNELS], key=_still_first)
    chroma = sorted(order[:CHROMA_CHANNELS], key=_still_first)
    return [(0, *k) for k in luma] + [(plane, *k) for plane in (1, 2) for k in chroma]


@lru_cache(maxsize=4)
def block_maps(depth: int) -> BlockMaps:
    """The maps for blocks of ``depth`` frames (built in float64, once per process)."""
    to_ycbcr = torch.tensor(YCBCR_FROM_RGB, dtype=torch.float64)
    to_rgb = torch.linalg.inv(to_ycbcr)
    time, space = dct_matrix(depth), dct_matrix(SPACE_STRIDE)
    cosines = torch.stack(
        [
            torch.einsum("t,y,x->tyx", time[kt], space[ky], space[kx]).flatten()
            for _, kt, ky, kx in kept_frequencies(depth)
        ]
    )
    planes = torch.tensor([frequency[0] for frequency in kept_frequencies(depth)])
    analysis = torch.einsum("np,nc->cpn", cosines, to_ycbcr[planes]).flatten(0, 1)
    synthesis = torch.einsum("np,nc->ncp", cosines, to_rgb.T[planes]).flatten(1, 2)
    return BlockMaps(analysis.float().contiguous(), synthesis.float().contiguous())


def _by_frequency(depth: int) -> list[tuple[int, int, int]]:
    """All frequencies that can be among the kept ones, lowest first; ties by time, row, column."""
    reach = range(16)  # 108 luma coefficients never reach frequency 16
    candidates = [(kt, ky, kx) for kt in range(depth) for ky in reach for kx in reach]
    return sorted(candidates, key=lambda k: ((TIME_WEIGHT * k[0]) ** 2 + k[1] ** 2 + k[2] ** 2, k))


def _still_first(frequency: tuple[int, int, int]) -> tuple[int, int, tuple[int, int, int]]:
    time, row, column = frequency
    return time, row**2 + column**2, frequency
