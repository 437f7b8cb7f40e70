"""Cheap tests of a path before anything is rendered (App. B.2), on a subsample of the Gaussian centres."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from model.geometry.intrinsics import in_view, project
from model.geometry.se3 import inverse
from tasks.splat.config import SplatConfig


@dataclass(frozen=True)
class Coverage:
    """Shares over the sampled views of a path; see ``TrajectoryRow``."""

    covered_views: float
    tiled_views: float
    worst_empty_tiles: float
    expected_motion: float


def coverage(
    camera_to_world: Float[np.ndarray, "frames 4 4"],
    intrinsics: Float[np.ndarray, "4"],
    centers: Float[np.ndarray, "samples 3"],
    config: SplatConfig,
) -> Coverage:
    """Test every ``coverage_stride``-th frame of a path."""
    views = camera_to_world[:: config.coverage_stride]
    shares, empty = [], []
    for view in inverse(views):
        pixels = _visible(view, intrinsics, centers, config)
        shares.append(len(pixels) / len(centers))
        empty.append(_empty_tiles(pixels, config))
    steps = range(0, len(camera_to_world) - 1, config.coverage_stride)
    motion = [_motion(inverse(camera_to_world[step : step + 2]), intrinsics, centers, config) for step in steps]
    return Coverage(
        covered_views=float(np.mean(np.array(shares) >= config.coverage_minimum)),
        tiled_views=float(np.mean(np.array(empty) <= config.empty_tiles_maximum)),
        worst_empty_tiles=float(max(empty)),
        expected_motion=float(np.mean(motion)) if motion else 0.0,
    )


def subsample(centers: Float[np.ndarray, "gaussians 3"], count: int, seed: int) -> Float[np.ndarray, "samples 3"]:
    """At most ``count`` centres, drawn without replacement."""
    if len(centers) <= count:
        return centers
    return centers[np.sort(np.random.default_rng(seed).choice(len(centers), size=count, replace=False))]


def _visible(
    camera_from_world: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "4"],
    centers: Float[np.ndarray, "samples 3"],
    config: SplatConfig,
) -> Float[np.ndarray, "visible 2"]:
    """Pixels of the centres inside the frustum."""
    points = centers @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    points = points[points[:, 2] > 1e-3]
    pixels = project(points, intrinsics)
    return pixels[in_view(pixels, points[:, 2], config.height, config.width)]


def _motion(
    camera_from_world: Float[np.ndarray, "2 4 4"],
    intrinsics: Float[np.ndarray, "4"],
    centers: Float[np.ndarray, "samples 3"],
    config: SplatConfig,
) -> float:
    """Median distance in pixels by which visible centres move from one frame to the next."""
    before, after = (centers @ view[:3, :3].T + view[:3, 3] for view in camera_from_world)
    ahead = (before[:, 2] > 1e-3) & (after[:, 2] > 1e-3)
    before, after = before[ahead], after[ahead]
    pixels = project(before, intrinsics)
    seen = in_view(pixels, before[:, 2], config.height, config.width)
    if not seen.any():
        return 0.0
    return float(np.median(np.linalg.norm(project(after[seen], intrinsics) - pixels[seen], axis=1)))


def _empty_tiles(pixels: Float[np.ndarray, "visible 2"], config: SplatConfig) -> float:
    """Share of the picture's tiles that hold no centre."""
    rows, columns = -(-config.height // config.tile), -(-config.width // config.tile)
    cells = (np.clip(pixels, 0, None) / config.tile).astype(int)
    filled = len(np.unique(cells[:, 1] * columns + cells[:, 0]))
    return 1 - filled / (rows * columns)
