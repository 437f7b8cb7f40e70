"""Scenes are planar polygons with affine texture coordinates. World axes: x right, y down, z forward, metres."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from tasks.corpus_synth.atlas import Atlas


@dataclass(frozen=True)
class Mesh:
    """Convex planar polygons with up to four corners; a triangle repeats its last corner.

    Attributes:
        corners: in order around the polygon; the normal (c1 - c0) x (c2 - c0) points to the visible side.
        texture: affine map from world point (x, y, z, 1) to texel (s, t) of the atlas.
        has_depth: False for the sky, which is drawn but is infinitely far for every depth sensor.
    """

    corners: Float[np.ndarray, "faces 4 3"]
    texture: Float[np.ndarray, "faces 2 4"]
    has_depth: Bool[np.ndarray, "faces"]

    def moved(self, world_from_object: Float[np.ndarray, "4 4"]) -> "Mesh":
        """The same polygons, moved rigidly with their texture."""
        rotation, offset = world_from_object[:3, :3], world_from_object[:3, 3]
        texture = self.texture @ np.linalg.inv(world_from_object)
        return Mesh(self.corners @ rotation.T + offset, texture, self.has_depth)


@dataclass(frozen=True)
class Mover:
    """An object that sways along an axis and turns about the vertical through its own origin."""

    mesh: Mesh
    origin: Float[np.ndarray, "3"]
    axis: Float[np.ndarray, "3"]
    period: float
    turn_rate: float

    def at(self, seconds: float) -> Mesh:
        """The mesh at a time."""
        phase = 2 * np.pi * seconds / self.period
        angle = self.turn_rate * seconds
        transform = np.eye(4)
        transform[:3, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
        transform[:3, 3] = self.origin + self.axis * np.sin(phase)
        return self.mesh.moved(transform)


@dataclass(frozen=True)
class Footprint:
    """What a path must keep clear of: an upright box given by its extent on the ground."""

    low: tuple[float, float]
    high: tuple[float, float]

    def distance(self, x: Float[np.ndarray, "n"], z: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """Distance on the ground in metres, 0 inside."""
        gap_x = np.maximum(np.maximum(self.low[0] - x, x - self.high[0]), 0)
        gap_z = np.maximum(np.maximum(self.low[1] - z, z - self.high[1]), 0)
        return np.hypot(gap_x, gap_z)


@dataclass(frozen=True)
class HeightField:
    """Ground height on a square grid, bilinear in between; y points down, so hills are negative."""

    low: float
    high: float
    height: Float[np.ndarray, "n n"]

    def at(self, x: Float[np.ndarray, "k"], z: Float[np.ndarray, "k"]) -> Float[np.ndarray, "k"]:
        """Ground y in metres; rows of ``height`` run along z, columns along x."""
        cells = len(self.height) - 1
        u = np.clip((x - self.low) / (self.high - self.low) * cells, 0, cells - 1e-9)
        v = np.clip((z - self.low) / (self.high - self.low) * cells, 0, cells - 1e-9)
        i, j = u.astype(int), v.astype(int)
        a, b = u - i, v - j
        upper = self.height[j, i] * (1 - a) + self.height[j, i + 1] * a
        lower = self.height[j + 1, i] * (1 - a) + self.height[j + 1, i + 1] * a
        return upper * (1 - b) + lower * b


@dataclass(frozen=True)
class Scene:
    """A world to film.

    Attributes:
        shell: polygons in which the camera is; drawn far to near without a depth test (walls, ground, sky).
        objects: closed bodies inside the shell, drawn with a depth test.
        movers: bodies in motion.
        atlas: the texture of all.
        ground: ground height, None for a flat floor at y = 0.
        bounds: the rectangle (x low, z low, x high, z high) in which a camera may be.
        footprints: what a camera must keep clear of.
        words: nouns for the caption.
    """

    shell: Mesh
    objects: Mesh
    movers: Sequence[Mover]
    atlas: Atlas
    ground: HeightField | None
    bounds: tuple[float, float, float, float]
    footprints: Sequence[Footprint]
    words: Sequence[str]

    def objects_at(self, seconds: float) -> Mesh:
        """Static and moving objects together, at a time."""
        return join_meshes([self.objects, *(mover.at(seconds) for mover in self.movers)])

    def clearance(self, x: Float[np.ndarray, "n"], z: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """Distance on the ground to the nearest obstacle or bound in metres, negative outside the bounds."""
        low_x, low_z, high_x, high_z = self.bounds
        room = np.minimum(np.minimum(x - low_x, high_x - x), np.minimum(z - low_z, high_z - z))
        for footprint in self.footprints:
            room = np.minimum(room, footprint.distance(x, z))
        return room


def join_meshes(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh of all polygons, in order."""
    return Mesh(
        np.concatenate([mesh.corners for mesh in meshes]),
        np.concatenate([mesh.texture for mesh in meshes]),
        np.concatenate([mesh.has_depth for mesh in meshes]),
    )
