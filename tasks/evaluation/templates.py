"""The trajectory templates of the two splits: ten smooth walks, ten stress tests (App. D.1).

Each is 11 to 15 waypoints in metres and degrees, at the size of a one-minute walk through a room; ``trajectories``
scales it to the scene and the duration. The authors' own waypoints are not public: these are ours, after their list
(arcs, S-curves, backtracking, figure-eight returns; larger yaw, vertical motion, extreme pitch, whip pans, double
loops, crane moves).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_contracts.benchmark import Split
from model.geometry.waypoints import Waypoint

Curve = Callable[[float], tuple[float, float, float, float, float]]
"""Progress in [0, 1] to x, y, z (metres) and yaw, pitch (degrees)."""

TURN = 2 * np.pi


@dataclass(frozen=True)
class Template:
    """A named list of waypoints."""

    name: str
    split: Split
    waypoints: list[Waypoint]


def _sample(curve: Curve, count: int) -> list[Waypoint]:
    points = []
    for time in np.linspace(0.0, 1.0, count):
        x, y, z, yaw, pitch = curve(float(time))
        points.append(Waypoint((x, y, z), yaw, pitch, float(time)))
    return points


def _keys(*rows: tuple[float, float, float, float, float]) -> list[Waypoint]:
    return [
        Waypoint((x, y, z), yaw, pitch, index / (len(rows) - 1)) for index, (x, y, z, yaw, pitch) in enumerate(rows)
    ]


def out(time: float) -> float:
    """0 -> 1 -> 0, slow at both ends."""
    return float(np.sin(np.pi * time) ** 2)


def wave(time: float) -> float:
    """One full swing to the right and to the left in unit time."""
    return float(np.sin(TURN * time))


def _loop(radius: float, laps: float, height: float = 0.0, swing: float = 0.0) -> Curve:
    """Circles that start and end at the origin, heading along the tangent by ``swing`` degrees."""

    def curve(time: float) -> tuple[float, float, float, float, float]:
        angle = TURN * laps * time
        lift = height * np.sin(angle)
        return radius * (1 - np.cos(angle)), lift, radius * np.sin(angle), swing * np.sin(angle), 0.0

    return curve


SIMPLE: list[tuple[str, list[Waypoint]]] = [
    ("forward_and_back", _sample(lambda t: (0, 0, 4 * out(t), 0, 0), 11)),
    ("arc_left", _sample(lambda t: (-1.5 * out(t) ** 2, 0, 3 * out(t), -25 * out(t), 0), 11)),
    ("arc_right", _sample(lambda t: (1.5 * out(t) ** 2, 0, 3 * out(t), 25 * out(t), 0), 11)),
    ("s_curve", _sample(lambda t: (wave(2 * t), 0, 4 * out(t), 20 * wave(2 * t), 0), 13)),
    ("strafe_return", _sample(lambda t: (2.5 * out(t), 0, 0.4 * out(t), -10 * out(t), 0), 11)),
    ("circle", _sample(_loop(1.2, 1, swing=30), 13)),
    ("figure_eight", _sample(lambda t: (1.2 * wave(2 * t), 0, 1.5 * (1 - np.cos(TURN * t)), 25 * wave(t), 0), 15)),
    ("look_around_return", _sample(lambda t: (0.3 * wave(t), 0, 1.5 * out(t), 45 * wave(t), 0), 13)),
    ("ellipse", _sample(lambda t: (0.8 * (1 - np.cos(TURN * t)), 0, 2 * wave(t) ** 2, 15 * wave(t), 0), 13)),
    ("triangle_return", _keys(
        (0, 0, 0, 0, 0), (-0.5, 0, 0.8, -10, 0), (-1, 0, 1.6, -20, 0), (-0.4, 0, 2.0, -10, 0), (0.4, 0, 2.0, 5, 0),
        (1, 0, 1.6, 15, 0), (0.9, 0, 1.2, 18, 0), (0.7, 0, 0.9, 14, 0), (0.4, 0, 0.5, 8, 0), (0.2, 0, 0.2, 3, 0),
        (0, 0, 0, 0, 0),
    )),
]  # fmt: skip

HARD: list[tuple[str, list[Waypoint]]] = [
    ("wide_yaw", _sample(lambda t: (0.5 * wave(t), 0, 1.5 * out(t), 110 * wave(t), 0), 15)),
    ("rise_and_fall", _sample(lambda t: (0, -1.2 * out(t), 2 * out(t), 0, -20 * out(t)), 13)),
    ("look_up", _sample(lambda t: (0, 0, 1.5 * out(t), 20 * wave(t), 55 * out(t)), 13)),
    ("look_down", _sample(lambda t: (0.5 * out(t), -0.6 * out(t), 1.5 * out(t), 0, -50 * out(t)), 13)),
    ("whip_pan", _keys(
        (0, 0, 0, 0, 0), (0, 0, 0.6, 0, 0), (0, 0, 1.2, 0, 0), (0, 0, 1.2, 70, 0), (0, 0, 1.2, 0, 0),
        (0, 0, 1.6, 0, 0), (0, 0, 1.6, -70, 0), (0, 0, 1.6, 0, 0), (0, 0, 1.2, 0, 0), (0, 0, 0.8, 0, 0),
        (0, 0, 0.4, 0, 0), (0, 0, 0, 0, 0),
    )),
    ("double_loop", _sample(_loop(0.8, 2, swing=40), 15)),
    ("crane", _sample(lambda t: (0.8 * wave(t), -1.5 * out(t), 1.2 * out(t), 25 * wave(t), -35 * out(t)), 13)),
    ("helix", _sample(_loop(0.9, 2, height=0.5, swing=30), 15)),
    ("dolly_and_spin", _sample(lambda t: (0, 0, 2.5 * out(t), 120 * out(t), 0), 13)),
    ("corner_peek", _keys(
        (0, 0, 0, 0, 0), (0.6, 0, 0.2, -10, 5), (1.2, 0, 0.4, -35, 10), (1.6, -0.2, 0.6, -60, 10),
        (1.6, -0.4, 0.9, -75, 0), (1.2, -0.4, 1.2, -60, -15), (0.6, -0.2, 1.2, -30, -20), (0, 0, 1.0, 0, -10),
        (-0.6, 0, 0.8, 35, 0), (-0.8, 0, 0.5, 50, 10), (-0.4, 0, 0.2, 25, 5), (-0.2, 0, 0.1, 10, 0), (0, 0, 0, 0, 0),
    )),
]  # fmt: skip


def templates(split: Split) -> list[Template]:
    """The ten templates of a split, in a fixed order."""
    rows = SIMPLE if split is Split.SIMPLE else HARD
    return [Template(name, split, waypoints) for name, waypoints in rows]
