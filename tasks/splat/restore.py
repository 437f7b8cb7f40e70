"""The restore filter of rendered frames: fills what splats leave open, smooths what they leave rough.

A classical, deterministic filter (``hole_fill_bilateral``). It stands where the paper has a diffusion restorer and
invents nothing: no detail that the splats do not hold comes back.
"""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

NAME = "hole_fill_bilateral"
VERSION = 1
_HOLE_SIGMAS = (1.5, 4.0)  # pixels: pinholes first, then cracks
_TRUST = 0.3  # mean coverage of a neighbourhood from which a hole may be filled
_SPACE_SIGMA = 1.5  # pixels


def restore(
    color: Float[np.ndarray, "height width 3"], alpha: Float[np.ndarray, "height width"], strength: float
) -> UInt8[np.ndarray, "height width 3"]:
    """Restore one frame.

    Args:
        color: composited over black (premultiplied by coverage).
        alpha: coverage in [0, 1].
        strength: color deviation (0..1) taken for noise; 0 switches the smoothing off.
    """
    filled = np.clip(_fill(color.astype(np.float32), alpha.astype(np.float32)), 0, 1)
    if strength > 0:
        filled = cv2.bilateralFilter(np.ascontiguousarray(filled), d=5, sigmaColor=strength, sigmaSpace=_SPACE_SIGMA)
    return np.round(filled * 255).astype(np.uint8)


def _fill(
    color: Float[np.ndarray, "height width 3"], alpha: Float[np.ndarray, "height width"]
) -> Float[np.ndarray, "height width 3"]:
    """Give the open part of each pixel the mean color of its covered neighbours; wide gaps stay open."""
    for sigma in _HOLE_SIGMAS:
        around = cv2.GaussianBlur(alpha, (0, 0), sigma)
        mean = cv2.GaussianBlur(color, (0, 0), sigma) / np.maximum(around, 1e-6)[..., None]
        gain = np.where(around >= _TRUST, 1 - alpha, 0)
        color = color + gain[..., None] * mean
        alpha = alpha + gain
    return color
