"""Clipping of a convex polygon to the part a camera can project."""

import numpy as np
from jaxtyping import Float


def clip_polygon(polygon: Float[np.ndarray, "corners 3"], near: float, guard: float) -> Float[np.ndarray, "clipped 3"]:
    """Sutherland-Hodgman against z > near, |x| < guard z and |y| < guard z, in camera axes."""
    planes = (
        (np.array([0.0, 0.0, 1.0]), near),
        (np.array([1.0, 0.0, guard]), 0.0),
        (np.array([-1.0, 0.0, guard]), 0.0),
        (np.array([0.0, 1.0, guard]), 0.0),
        (np.array([0.0, -1.0, guard]), 0.0),
    )
    for normal, offset in planes:
        if len(polygon) == 0:
            break
        polygon = _clip(polygon, polygon @ normal - offset)
    return polygon


def _clip(polygon: Float[np.ndarray, "corners 3"], signed: Float[np.ndarray, "corners"]) -> np.ndarray:
    """Keep the part where the signed distance is not negative."""
    kept = []
    for index, corner in enumerate(polygon):
        following = (index + 1) % len(polygon)
        here, there = signed[index], signed[following]
        if here >= 0:
            kept.append(corner)
        if (here >= 0) != (there >= 0):
            kept.append(corner + (polygon[following] - corner) * (here / (here - there)))
    return np.array(kept).reshape(-1, 3)
