"""Differences between two frames, by the benchmark's own definitions."""

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from scipy.ndimage import uniform_filter1d

WINDOW = 11
LUMINANCE, CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2
SAME = 1e-10


def psnr(first: UInt8[ndarray, "height width 3"], second: UInt8[ndarray, "height width 3"]) -> float:
    """Decibels over the whole frame; 100 for equal frames, as the benchmark has it."""
    error = float(np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2))
    return 100.0 if error < SAME else float(10 * np.log10(255**2 / error))


def ssim(first: UInt8[ndarray, "height width 3"], second: UInt8[ndarray, "height width 3"]) -> float:
    """Structural similarity with an 11x11 uniform window per channel, whole windows only, C1 and C2 of 8-bit range.

    This is the benchmark's definition; libraries default to other windows and other variances.
    """
    x, y = first.astype(np.float64), second.astype(np.float64)
    mean_x, mean_y = _mean(x), _mean(y)
    variance_x, variance_y = _mean(x * x) - mean_x**2, _mean(y * y) - mean_y**2
    covariance = _mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + LUMINANCE) / (mean_x**2 + mean_y**2 + LUMINANCE)
    structure = (2 * covariance + CONTRAST) / (variance_x + variance_y + CONTRAST)
    return float(np.mean(luminance * structure))


def _mean(values: Float[ndarray, "height width 3"]) -> Float[ndarray, "inner_height inner_width 3"]:
    margin = WINDOW // 2
    rows = uniform_filter1d(values, WINDOW, axis=0)[margin:-margin]
    return uniform_filter1d(rows, WINDOW, axis=1)[:, margin:-margin]
