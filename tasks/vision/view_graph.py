"""The focal length of a clip from its two-view geometries alone, before anything is mapped (view-graph calibration).

With square pixels and a known principal point, the essential matrix ``E = K^T F K`` of the true focal length has two
equal singular values. One pair says little (many motions leave the focal length free); the sum over all pairs of a clip
has its minimum within a few percent of the truth (Sweeney et al., *Optimizing the viewing graph for structure from
motion*, 2015, whose robust sum is taken here over a grid).
"""

import cv2
import numpy as np
from jaxtyping import Float

GRID = np.geomspace(0.28, 2.3, 80)  # focal lengths over the width: fields of view of 120 to 25 degrees (App. B.3)
FEWEST_MATCHES = 25
LEAST_MOTION_PX = 4.0  # median displacement below which a pair fixes nothing
PLANAR = 0.8  # share of the matches that one homography explains: a plane or a turn, whose F is arbitrary
OUTLIER = 0.3  # a pair is never counted with more than this


def view_graph_focal(
    pairs: list[tuple[Float[np.ndarray, "matches 2"], Float[np.ndarray, "matches 2"]]], width: int, max_error: float
) -> float | None:
    """Focal length in pixels that makes the pairs' fundamental matrices essential.

    Args:
        pairs: matching pixels of two frames, relative to the principal point.
        width: of the frames, pixels.
        max_error: pixels a good match may be off its epipolar line.

    Returns:
        None where no pair shows a translation in front of something that is not flat.
    """
    costs = [cost for first, second in pairs if (cost := _pair_cost(first, second, width, max_error)) is not None]
    if not costs:
        return None
    return float(GRID[np.sum(costs, axis=0).argmin()] * width)


def _pair_cost(
    first: np.ndarray, second: np.ndarray, width: int, max_error: float
) -> Float[np.ndarray, " grid"] | None:
    """Difference over sum of the two singular values at every focal length of the grid."""
    if len(first) < FEWEST_MATCHES or np.median(np.linalg.norm(first - second, axis=1)) < LEAST_MOTION_PX:
        return None
    cv2.setRNGSeed(0)
    _, mask = cv2.findFundamentalMat(first, second, cv2.FM_RANSAC, max_error, 0.999, 500)
    if mask is None or mask.sum() < FEWEST_MATCHES:
        return None
    _, flat = cv2.findHomography(first, second, cv2.RANSAC, max_error)
    if flat is not None and flat.sum() > PLANAR * mask.sum():
        return None
    inliers = mask[:, 0] == 1
    fundamental, _ = cv2.findFundamentalMat(first[inliers], second[inliers], cv2.FM_8POINT)
    if fundamental is None or fundamental.shape != (3, 3):
        return None
    scale = np.stack([GRID * width, GRID * width, np.ones_like(GRID)], axis=-1)
    large, small, _ = np.linalg.svd(scale[:, :, None] * fundamental * scale[:, None, :], compute_uv=False).T
    return np.minimum((large - small) / (large + small), OUTLIER)
