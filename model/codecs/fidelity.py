"""How well a codec keeps a clip: its PSNR, and the PSNR of the best 128 DCT coefficients chosen for that clip."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from model.codecs.dct_basis import YCBCR_FROM_RGB, dct_matrix
from model.codecs.protocols import FRAME_STRIDE, LATENT_CHANNELS, SPACE_STRIDE

PERFECT_PSNR = 100.0


def psnr(
    video: Float[Tensor, "batch 3 raw_frames height width"], other: Float[Tensor, "batch 3 raw_frames height width"]
) -> float:
    """Peak signal to noise ratio in decibels over all pixels (peak-to-peak 2), at most ``PERFECT_PSNR``."""
    return _decibels(float((video - other).double().square().mean()))


def best_psnr(video: Float[Tensor, "1 3 raw_frames height width"]) -> float:
    """PSNR of an oracle codec: per kind of block, the 128 coefficients with the most RGB energy in this clip.

    The choice is greedy per coefficient (the three planes are not orthogonal in RGB, which costs next to nothing), and
    the error is measured in RGB without clamping, so a fixed choice may come within a hair of it or above.
    """
    squares = _oracle_error(video[:, :, :1], 1)
    if video.shape[2] > 1:
        squares += _oracle_error(video[:, :, 1:], FRAME_STRIDE)
    return _decibels(squares / video.numel())


def _oracle_error(video: Float[Tensor, "1 3 raw_frames height width"], depth: int) -> float:
    """Sum of squared RGB errors with the best 128 coefficients of blocks of ``depth`` frames."""
    to_ycbcr = torch.tensor(YCBCR_FROM_RGB)
    to_rgb = torch.linalg.inv(to_ycbcr.double()).float()
    size = SPACE_STRIDE
    blocks = rearrange(video[0], "c (t a) (h b) (w d) -> c (t h w) a b d", a=depth, b=size, d=size)
    time, space = dct_matrix(depth).float(), dct_matrix(size).float()
    planes = torch.einsum("pc,cnabd->pnabd", to_ycbcr, blocks)
    spectrum = torch.einsum("ka,pnabd->pnkbd", time, planes) @ space.T
    spectrum = rearrange(space @ spectrum, "p n k y x -> n p (k y x)")
    energy = spectrum.square().sum(0) * to_rgb.square().sum(0)[:, None]
    lost = torch.ones(energy.numel())
    lost[energy.flatten().topk(LATENT_CHANNELS).indices] = 0
    # The DCT is orthonormal, so the error in RGB is that of the lost coefficients taken to RGB.
    residual = torch.einsum("cp,npk->nck", to_rgb, spectrum * lost.view_as(energy))
    return float(residual.double().square().sum())


def _decibels(mean_square: float) -> float:
    if mean_square <= 0:
        return PERFECT_PSNR
    return min(PERFECT_PSNR, float(10 * torch.log10(torch.tensor(4.0 / mean_square, dtype=torch.float64))))
