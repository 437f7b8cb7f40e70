"""Motion families of candidate paths: where the camera is and where it looks, before clamping and smoothing.

Each family starts at an anchor camera and moves for one clip. ``phase`` runs from 0 to 1 over its frames.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from tasks.splat.config import MotionFamily


@dataclass(frozen=True)
class Anchor:
    """Where a path starts.

    Attributes:
        position: of the anchor camera.
        forward: its viewing direction.
        up: the scene's upward direction.
        pivot: what it looks at.
        distance: the scene's median camera distance; paths scale with it.
    """

    position: Float[np.ndarray, "3"]
    forward: Float[np.ndarray, "3"]
    up: Float[np.ndarray, "3"]
    pivot: Float[np.ndarray, "3"]
    distance: float

    @property
    def right(self) -> Float[np.ndarray, "3"]:
        """Horizontal unit vector to the right."""
        sideways = np.cross(self.forward, self.up)
        return sideways / np.linalg.norm(sideways)


@dataclass(frozen=True)
class RoughPath:
    """Positions and the points looked at, one row a frame, world axes, metres."""

    positions: Float[np.ndarray, "frames 3"]
    targets: Float[np.ndarray, "frames 3"]


Phase = Float[np.ndarray, "frames"]
Family = Callable[[Anchor, Phase, np.random.Generator], RoughPath]


def rough_path(family: MotionFamily, anchor: Anchor, frames: int, generator: np.random.Generator) -> RoughPath:
    """A path of one family with drawn parameters."""
    return _FAMILIES[family](anchor, np.linspace(0, 1, frames), generator)


def _orbit(anchor: Anchor, phase: Phase, generator: np.random.Generator) -> RoughPath:
    angle = _signed(generator, 0.35, 0.9)
    return _about(anchor, _turned(anchor, angle * phase))


def _spiral(anchor: Anchor, phase: Phase, generator: np.random.Generator) -> RoughPath:
    angle, shrink, rise = _signed(generator, 0.4, 1.0), generator.uniform(0.1, 0.3), _signed(generator, 0.05, 0.15)
    turned = _turned(anchor, angle * phase)
    inward = turned + (anchor.pivot - turned) * (shrink * phase)[:, None]
    return _about(anchor, inward + _along(anchor.up, rise * anchor.distance * phase))


def _dolly(anchor: Anchor, phase: Phase, generator: np.random.Generator) -> RoughPath:
    travel = _signed(generator, 0.2, 0.4) * anchor.distance
    positions = anchor.position + _along(anchor.forward, travel * phase)
    return RoughPath(positions, positions + anchor.forward * anchor.distance)


def _fly_through(anchor: Anchor, phase: Phase, generator: np.random.Generator) -> RoughPath:
    travel, swing = generator.uniform(0.3, 0.5) * anchor.distance, _signed(generator, 0.05, 0.15) * anchor.distance
    positions = anchor.position + _along(anchor.forward, travel * phase)
    positions = positions + _along(anchor.right, swing * np.sin(2 * np.pi * phase))
    ahead = np.gradient(positions, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    return RoughPath(positions, positions + anchor.distance * (anchor.forward + ahead))


def _random_walk(anchor: Anchor, phase: Phase, generator: np.random.Generator) -> RoughPath:
    steps = gaussian_filter1d(generator.standard_normal((len(phase), 3)), len(phase) / 10, axis=0, mode="reflect")
    walk = np.cumsum(steps, axis=0)
    walk -= walk[0]
    walk *= generator.uniform(0.15, 0.3) * anchor.distance / max(float(np.abs(walk).max()), 1e-9)
    walk -= 0.6 * np.outer(walk @ anchor.up, anchor.up)  # people and drones wander more sideways than up
    return _about(anchor, anchor.position + walk)


def _crane(anchor: Anchor, phase: Phase, generator: np.random.Generator) -> RoughPath:
    rise = _signed(generator, 0.12, 0.3) * anchor.distance
    return _about(anchor, anchor.position + _along(anchor.up, rise * phase))


def _pendulum(anchor: Anchor, phase: Phase, generator: np.random.Generator) -> RoughPath:
    angle, swings = _signed(generator, 0.15, 0.35), generator.uniform(0.75, 1.5)
    return _about(anchor, _turned(anchor, angle * np.sin(2 * np.pi * swings * phase)))


def _compound(anchor: Anchor, phase: Phase, generator: np.random.Generator) -> RoughPath:
    """Half an orbit that turns into a dolly towards the pivot."""
    angle, travel = _signed(generator, 0.3, 0.7), generator.uniform(0.1, 0.3)
    early, late = np.clip(2 * phase, 0, 1), np.clip(2 * phase - 1, 0, 1)
    turned = _turned(anchor, angle * early)
    return _about(anchor, turned + (anchor.pivot - turned) * (travel * late)[:, None])


_FAMILIES: dict[MotionFamily, Family] = {
    MotionFamily.ORBIT: _orbit,
    MotionFamily.SPIRAL: _spiral,
    MotionFamily.DOLLY: _dolly,
    MotionFamily.FLY_THROUGH: _fly_through,
    MotionFamily.RANDOM_WALK: _random_walk,
    MotionFamily.CRANE: _crane,
    MotionFamily.PENDULUM: _pendulum,
    MotionFamily.COMPOUND: _compound,
}


def _about(anchor: Anchor, positions: Float[np.ndarray, "frames 3"]) -> RoughPath:
    """A path that keeps looking at the pivot."""
    return RoughPath(positions, np.tile(anchor.pivot, (len(positions), 1)))


def _turned(anchor: Anchor, angles: Phase) -> Float[np.ndarray, "frames 3"]:
    """The anchor's position turned about the vertical axis through the pivot, by ``angles`` in radians."""
    arm = anchor.position - anchor.pivot
    return anchor.pivot + Rotation.from_rotvec(_along(anchor.up, angles)).apply(arm)


def _along(direction: Float[np.ndarray, "3"], lengths: Phase) -> Float[np.ndarray, "frames 3"]:
    return lengths[:, None] * direction


def _signed(generator: np.random.Generator, low: float, high: float) -> float:
    return float(generator.uniform(low, high) * generator.choice([-1.0, 1.0]))
