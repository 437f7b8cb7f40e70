r"""How the camera itself moved between two frames, from the displacement of corners: a turn and a travel.

A small motion of the camera moves the point at $x = (x, y, 1)$, focal lengths from the centre, by

$$u = \rho\,A(x)\,t + B(x)\,\omega,\qquad A = \begin{pmatrix}-1&0&x\\0&-1&y\end{pmatrix},\qquad
B = \begin{pmatrix}xy&-(1+x^2)&y\\1+y^2&-xy&-x\end{pmatrix}$$

where $t$ is the unit direction of travel, $\omega$ the turn (rad) and $\rho$ the way travelled over the point's depth
(Longuet-Higgins and Prazdny 1980). Across $A t$ the depth plays no part, so that each direction of a dense set has its
best turn, and the direction whose turn leaves the least is taken. What moves by itself fits none and is dropped.
A flat scene at the distance $d$ and of normal $n$ has $\rho = (|T| / d)\,n \cdot x$: the plane through all $\rho$ tells
$|T| / d$, the way in units of the distance to the scene, without a scale of the world.

Two cameras see a single plane alike (one has $t$ and $n$ exchanged): the length of the travel is the same for both, and
the turn is not, but never more than that. The focal length is not known and taken to be ``FOCAL``: a lens a quarter
longer or shorter changes the travel of a drive by a fifth.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from tasks.vision.corner_flow import CornerFlow

FOCAL = 1.0  # picture widths: a field of view of 53 degrees
DIRECTIONS = 500  # about 6 degrees apart; at 13 the focus of expansion of a road is missed
REFINEMENTS = (0.05, 0.025, 0.0125)  # rad, from half their spacing down: what is near tells its distance only then
TOLERANCE = 0.3  # pixels across the direction of travel that a corner is followed to, see ``corner_flow.CLOSURE``
FEWEST_CORNERS = 15  # five unknowns, three times over
NEAR_FOCUS = 0.1  # focal lengths; nearer to the focus of expansion hardly any distance can be seen
_TURN_ROUNDS, _PLANE_ROUNDS = 5, 8  # twice as many change the figures of real clips of moving cameras by under 1%


@dataclass(frozen=True)
class Egomotion:
    """Motion of the camera between two frames, in its own axes (OpenCV: right, down, forward).

    Attributes:
        turn: rotation vector, rad.
        travel: translation over the distance of the plane that the scene resembles most.
    """

    turn: Float[np.ndarray, "3"]
    travel: Float[np.ndarray, "3"]


def egomotion(flow: CornerFlow, height: int, width: int) -> Egomotion | None:
    """The camera's motion between the two frames of ``flow``; None where too few corners tell or agree.

    Args:
        flow: corners and displacements.
        height: pixels of the picture.
        width: likewise.
    """
    if len(flow.corners) < FEWEST_CORNERS:
        return None
    if flow.typical_length < TOLERANCE:  # most of the picture stays: the camera rests, however well a walker fits one
        return Egomotion(np.zeros(3), np.zeros(3))
    focal = np.float32(FOCAL * width)
    centre = (np.array([width, height], np.float32) - 1) / 2
    points = (flow.corners - centre) / focal
    displacement = flow.displacement / focal
    direction, turn, background = _direction_and_turn(points, displacement, TOLERANCE / focal)
    if background.sum() < FEWEST_CORNERS:
        return None
    nearness = _nearness(points, displacement, direction, turn)[background]
    return Egomotion(turn.astype(float), direction.astype(float) * _over_plane_distance(points[background], nearness))


def _direction_and_turn(
    points: Float32[np.ndarray, "points 2"], displacement: Float32[np.ndarray, "points 2"], tolerance: np.float32
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit direction of travel, its sign open; the turn, rad; and which points agree with both."""
    direction, turn, left = _best(_HEMISPHERE, points, displacement, tolerance)
    for spacing in REFINEMENTS:
        direction, turn, left = _best(_around(direction, spacing), points, displacement, tolerance)
    return direction, turn, np.abs(left) < 2 * tolerance  # beyond, the weight is under 1/25


def _best(
    directions: np.ndarray, points: np.ndarray, displacement: np.ndarray, tolerance: np.float32
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The direction whose best turn leaves the least across it, that turn, and what is left of every point."""
    along = _travel_field(points, directions)
    along /= np.maximum(np.hypot(along[..., :1], along[..., 1:]), np.finfo(np.float32).tiny)
    turned = _across(along[..., None], _turn_field(points))
    seen = _across(along, displacement)
    turns, left = _reweighted(turned, seen, lambda left: (1 + (left / tolerance) ** 2) ** -2, _TURN_ROUNDS)
    squared = (left / tolerance) ** 2
    best = int(np.argmin((squared / (1 + squared)).sum(axis=1)))  # Geman and McClure's loss, as the weights are
    return directions[best], turns[best], left[best]


def _across(along: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Component of a field ``[points, 2, ...]`` at right angles to unit vectors ``[directions, points, 2, ...]``."""
    return along[:, :, 0] * field[:, 1] - along[:, :, 1] * field[:, 0]


def _nearness(points: np.ndarray, displacement: np.ndarray, direction: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """The way travelled along ``direction`` over the distance of each point."""
    along = _travel_field(points, direction[None])[0]
    travelled = displacement - _turn_field(points) @ turn
    return (travelled * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), NEAR_FOCUS**2)


def _over_plane_distance(points: np.ndarray, nearness: np.ndarray) -> float:
    """The way over the distance of the plane through the points, signed as most; what stands out counts less."""
    middle = np.median(nearness)
    spread = 1.4826 * np.median(np.abs(nearness - middle))  # the standard deviation, were the depths normal
    usual = 3 * spread + np.finfo(np.float32).tiny
    planar = np.column_stack([points, np.ones(len(points), points.dtype)])
    normal, _ = _reweighted(planar, nearness, lambda left: usual / np.maximum(np.abs(left), usual), _PLANE_ROUNDS)
    return float(np.copysign(np.linalg.norm(normal), middle))


def _reweighted(
    design: np.ndarray, target: np.ndarray, weigh: Callable[[np.ndarray], np.ndarray], rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Least squares with weights drawn anew from the residuals; the solutions and what they leave."""

    def solved(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weighted = (design * weights[..., None]).swapaxes(-1, -2)
        normal = weighted @ design + np.finfo(np.float32).eps * np.eye(3, dtype=design.dtype)
        solution = np.linalg.solve(normal, weighted @ target[..., None])
        return solution[..., 0], target - (design @ solution)[..., 0]

    solution, residual = solved(np.ones_like(target))
    for _ in range(rounds - 1):
        solution, residual = solved(weigh(residual))
    return solution, residual


def _travel_field(points: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """``A t`` of every direction and point: displacement at the distance 1, ``[directions, points, 2]``."""
    return directions[:, None, 2:] * points - directions[:, None, :2]


def _turn_field(points: np.ndarray) -> np.ndarray:
    """``B`` of every point: displacement for a turn, ``[points, 2, 3]``."""
    x, y = points.T
    return np.stack([np.stack([x * y, -1 - x * x, y], -1), np.stack([1 + y * y, -x * y, -x], -1)], axis=1)


def _around(direction: np.ndarray, spacing: float) -> np.ndarray:
    """A square of 3 x 3 unit directions about one, ``spacing`` apart, rad."""
    beside = np.linalg.svd(direction[None])[2][1:]
    steps = spacing * np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)], np.float32)
    around = direction + steps @ beside
    return around / np.linalg.norm(around, axis=1, keepdims=True)


def _hemisphere(count: int) -> np.ndarray:
    """Unit directions spread evenly over the half sphere in front (a Fibonacci lattice); the rest are negatives."""
    index = np.arange(count) + 0.5
    forward, angle = 1 - index / count, np.pi * (1 + np.sqrt(5)) * index
    side = np.sqrt(1 - forward**2)
    return np.stack([side * np.cos(angle), side * np.sin(angle), forward], axis=1).astype(np.float32)


_HEMISPHERE = _hemisphere(DIRECTIONS)
