"""Sub-pixel patch alignment without drift: each patch is matched to the one it was born with, under an affine warp.

Inverse-compositional Lucas-Kanade (Baker and Matthews 2004) with six parameters, vectorized over patches. Brightness is
removed by comparing patches of zero mean and unit norm, so a patch may fade or brighten.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

TINY = 1e-6


@dataclass(frozen=True)
class Templates:
    """What patches looked like when they were born, with the linear solve of their alignment prepared.

    Attributes:
        values: zero-mean, unit-norm gray values on the patch grid.
        solver: maps a residual to the six warp parameters (least squares, damped).
    """

    values: Float[np.ndarray, "patches samples"]
    solver: Float[np.ndarray, "patches 6 samples"]

    def select(self, keep: np.ndarray) -> "Templates":
        """The kept patches."""
        return Templates(self.values[keep], self.solver[keep])

    def join(self, other: "Templates") -> "Templates":
        """These patches, then the others."""
        return Templates(np.concatenate([self.values, other.values]), np.concatenate([self.solver, other.solver]))


@dataclass(frozen=True)
class Alignment:
    """Where patches were found: centres (x y), 2x2 warps, and the correlation with the template (1 = equal)."""

    centres: Float[np.ndarray, "patches 2"]
    warps: Float[np.ndarray, "patches 2 2"]
    correlation: Float[np.ndarray, " patches"]


def patch_grid(radius: int) -> Float[np.ndarray, "samples 2"]:
    """Offsets (x y) of the samples of a square patch."""
    axis = np.arange(-radius, radius + 1, dtype=np.float32)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=-1)


def cut_templates(
    image: Float[np.ndarray, "height width"], centres: Float[np.ndarray, "patches 2"], radius: int
) -> Templates:
    """Templates of patches around ``centres``; keep centres at least ``radius + 1`` pixels inside the image."""
    grid = patch_grid(radius)
    positions = centres[:, None, :].astype(np.float32) + grid
    raw = sample(image, positions)
    right, down = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    slope_x = (sample(image, positions + right) - sample(image, positions - right)) / 2
    slope_y = (sample(image, positions + down) - sample(image, positions - down)) / 2
    values, norm = _standardize(raw)
    x, y = grid[:, 0], grid[:, 1]
    columns = [slope_x * x, slope_x * y, slope_y * x, slope_y * y, slope_x, slope_y]
    jacobian = np.stack(columns, axis=-1) / norm[..., None]
    # The mean is removed from the residual, so it must be removed from its derivative too.
    jacobian -= jacobian.mean(axis=1, keepdims=True)
    normal = np.swapaxes(jacobian, 1, 2) @ jacobian
    damping = 1e-4 * np.trace(normal, axis1=1, axis2=2)[:, None, None] / 6 + TINY
    solver = np.linalg.solve(normal + damping * np.eye(6, dtype=np.float32), np.swapaxes(jacobian, 1, 2))
    return Templates(values, solver)


def align_patches(
    image: Float[np.ndarray, "height width"],
    templates: Templates,
    start: Alignment,
    iterations: int = 6,
    tolerance: float = 0.01,
) -> Alignment:
    """Move and warp every patch until it matches its template.

    Args:
        image: gray image to search.
        templates: of the same patches.
        start: first guess; centres within about two pixels.
        iterations: at most so many steps a patch.
        tolerance: pixels; a patch whose centre moves less is done.
    """
    radius = (round(np.sqrt(templates.values.shape[1])) - 1) // 2
    grid = patch_grid(radius)
    centres, warps = start.centres.astype(np.float32), start.warps.astype(np.float32)
    active = np.arange(len(centres))
    for _ in range(iterations):
        values, _ = _standardize(sample(image, _placed(centres[active], warps[active], grid)))
        step = (templates.solver[active] @ (values - templates.values[active])[..., None])[..., 0]
        undo = np.linalg.inv(_bounded(step[:, :4].reshape(-1, 2, 2)))
        turned = warps[active] @ undo
        move = -(turned @ step[:, 4:, None])[..., 0]
        warps[active], centres[active] = turned, centres[active] + move
        active = active[np.linalg.norm(move, axis=-1) > tolerance]
        if len(active) == 0:
            break
    values, _ = _standardize(sample(image, _placed(centres, warps, grid)))
    return Alignment(centres, warps, (values * templates.values).sum(-1))


def inside(
    centres: Float[np.ndarray, "patches 2"], height: int, width: int, margin: int
) -> Bool[np.ndarray, " patches"]:
    """Which centres keep ``margin`` pixels from every border."""
    x, y = centres[:, 0], centres[:, 1]
    return (x >= margin) & (x <= width - 1 - margin) & (y >= margin) & (y <= height - 1 - margin)


def sample(
    image: Float[np.ndarray, "height width"], positions: Float[np.ndarray, "patches samples 2"]
) -> Float[np.ndarray, "patches samples"]:
    """Bilinear values at x y; borders are repeated."""
    if len(positions) == 0:
        return np.zeros(positions.shape[:-1], np.float32)
    return cv2.remap(image, positions.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _placed(centres: np.ndarray, warps: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Sample positions of warped patches."""
    return centres[:, None, :] + grid @ np.swapaxes(warps, 1, 2)


def _standardize(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centred = values - values.mean(axis=1, keepdims=True)
    norm = np.sqrt((centred**2).sum(axis=1, keepdims=True)) + TINY
    return centred / norm, norm


def _bounded(change: np.ndarray) -> np.ndarray:
    """``I + change`` with the change held small enough to be inverted."""
    return np.eye(2, dtype=np.float32) + np.clip(change, -0.3, 0.3)
