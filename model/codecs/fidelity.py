"""How well a codec keeps a clip: its PSNR, and the PSNR of the best 128 DCT coefficients chosen for that clip."""

from itertools import combinations_with_replacement

import torch
from jaxtyping import Float
from torch import Tensor

from model.codecs.dct_basis import YCBCR_FROM_RGB, dct_matrix
from model.codecs.protocols import FRAME_STRIDE, LATENT_CHANNELS, SPACE_STRIDE

PERFECT_PSNR = 100.0


def psnr(
    video: Float[Tensor, "batch 3 raw_frames height width"], other: Float[Tensor, "batch 3 raw_frames height width"]
) -> float:
    """Peak signal to noise ratio in decibels over all pixels (peak-to-peak 2), at most ``PERFECT_PSNR``."""
    return _decibels(_squared_error(video, other) / video.numel())


class Fidelity:
    """PSNRs of a clip that is given part by part, so that no temporary is as large as the clip.

    The oracle keeps, per kind of block (first frame, later frames), the 128 coefficients with the most RGB energy in
    the clip. Its choice is greedy per coefficient (the three planes are not orthogonal in RGB, which costs next to
    nothing) and its error is that of RGB without clamping, so a fixed choice may come within a hair of it or above.
    """

    def __init__(self) -> None:
        self._error = 0.0
        self._values = 0
        self._products: dict[int, Float[Tensor, "3 3 frequencies"]] = {}

    def add(
        self, video: Float[Tensor, "1 3 raw_frames height width"], decoded: Float[Tensor, "1 3 raw_frames height width"]
    ) -> None:
        """Count one part: the first frame of the clip alone, or a multiple of 8 later frames."""
        depth = 1 if video.shape[2] == 1 else FRAME_STRIDE
        products = _plane_products(video[0], depth)
        self._products[depth] = self._products.get(depth, torch.zeros(())) + products
        self._error += _squared_error(video, decoded)
        self._values += video.numel()

    def psnr(self) -> float:
        """Of the parts as the codec decoded them."""
        return _decibels(self._error / self._values)

    def best_psnr(self) -> float:
        """Of the oracle's choice."""
        return _decibels(sum(map(_oracle_error, self._products.values())) / self._values)


def _oracle_error(products: Float[Tensor, "3 3 frequencies"]) -> float:
    """Sum of squared RGB errors with the best 128 coefficients kept.

    The DCT is orthonormal, so the error in RGB is that of the lost coefficients taken to RGB: a quadratic form of the
    planes' products, and no residual video is ever formed.
    """
    to_rgb = torch.linalg.inv(torch.tensor(YCBCR_FROM_RGB).double())
    form = to_rgb.T @ to_rgb
    energy = torch.diagonal(products).T * torch.diagonal(form)[:, None]
    lost = torch.ones(energy.numel(), dtype=torch.float64)
    lost[energy.flatten().topk(LATENT_CHANNELS).indices] = 0
    left_out = lost.view_as(energy)
    return float(torch.einsum("pq,pqk,pk,qk->", form, products, left_out, left_out))


def _plane_products(video: Float[Tensor, "3 raw_frames height width"], depth: int) -> Float[Tensor, "3 3 frequencies"]:
    """Products of the YCbCr planes' DCT coefficients, summed over all blocks, per frequency, in float64.

    Every axis is transformed in place of its samples, so that no block is ever cut out and copied.
    """
    _, frames, height, width = video.shape
    size, time, space = SPACE_STRIDE, dct_matrix(depth).float(), dct_matrix(SPACE_STRIDE).float()
    planes = torch.tensor(YCBCR_FROM_RGB) @ video.reshape(3, -1)
    planes = planes.view(-1, size) @ space.T
    planes = space @ planes.view(-1, size, width)
    planes = time @ planes.view(-1, depth, height * width)
    spectrum = planes.view(3, frames // depth, depth, height // size, size, width // size, size)
    products = torch.empty(3, 3, depth * size * size, dtype=torch.float64)
    for one, other in combinations_with_replacement(range(3), 2):
        summed = (spectrum[one] * spectrum[other]).sum((0, 2, 4)).double().flatten()
        products[one, other] = products[other, one] = summed
    return products


def _squared_error(video: Float[Tensor, "*shape"], other: Float[Tensor, "*shape"]) -> float:
    return float((video - other).square().sum(dtype=torch.float64))


def _decibels(mean_square: float) -> float:
    if mean_square <= 0:
        return PERFECT_PSNR
    return min(PERFECT_PSNR, float(10 * torch.log10(torch.tensor(4.0 / mean_square, dtype=torch.float64))))
