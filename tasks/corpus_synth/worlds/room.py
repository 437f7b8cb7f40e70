"""A furnished room: four walls, floor, ceiling, furniture, hanging lamps, sometimes something that moves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tasks.corpus_synth.builder import SceneBuilder
from tasks.corpus_synth.materials import BARE, CARPET, FABRIC, PAINTED, PLASTER, STONE, WOOD, Material
from tasks.corpus_synth.scene import Footprint, Mesh, Mover, Scene, join_meshes

FURNITURE = (WOOD, PAINTED, FABRIC, STONE)
NAMES = ("cabinet", "bookcase", "chest", "table", "wardrobe", "crate")


@dataclass(frozen=True)
class Furniture:
    """Boxes that stand or hang in a room, with what a camera must keep clear of."""

    meshes: list[Mesh]
    footprints: list[Footprint]
    words: list[str]


def build_room(rng: np.random.Generator, moving: bool, bare: bool = False) -> Scene:
    """A room of about 7 x 8.5 m with its free middle around the origin.

    Args:
        rng: all randomness.
        moving: whether two boxes move.
        bare: walls and furniture almost without texture, for a clip in which few pixels change.
    """
    width, depth, height = rng.uniform(6.2, 7.6), rng.uniform(7.6, 9.2), rng.uniform(2.6, 3.1)
    builder = SceneBuilder(rng, density=96)
    floor = BARE if bare else (CARPET, WOOD, STONE)[rng.integers(3)]
    wall = BARE if bare else (PLASTER, PAINTED, STONE)[rng.integers(3)]
    shell = shell_of_box(builder, (width, height, depth), wall, floor, BARE if bare else PLASTER)
    furniture = furnish(builder, (width, height, depth), 1.95, (BARE,) if bare else FURNITURE)
    movers = [moving_box(builder, depth / 2 - 1.3, 0.3)] if moving else []
    half_x, half_z = width / 2 - 0.35, depth / 2 - 0.35
    return Scene(
        shell=shell,
        objects=join_meshes(furniture.meshes),
        movers=movers,
        atlas=builder.paint(),
        ground=None,
        bounds=(-half_x, -half_z, half_x, half_z),
        footprints=furniture.footprints,
        words=["a room", *furniture.words],
    )


def shell_of_box(
    builder: SceneBuilder,
    size: tuple[float, float, float],
    wall: Material,
    floor: Material,
    ceiling: Material,
) -> Mesh:
    """Floor at y = 0, ceiling at y = -height and four walls, seen from inside; ``size`` is (x, y, z) in metres."""
    width, height, depth = size
    x, y, z = np.diag([width, height, depth])
    low, high = np.array([-width / 2, -height, -depth / 2]), np.array([width / 2, 0.0, depth / 2])
    return join_meshes(
        [
            builder.rectangle(high, -x, -z, floor, 0.95),
            builder.rectangle(low, z, x, ceiling, 1.1),
            builder.rectangle(low + z, y, x, wall, 1.0),  # far wall, towards -z
            builder.rectangle(low, x, y, wall, 0.8),  # near wall, towards +z
            builder.rectangle(low, y, z, wall, 0.9),  # left wall, towards +x
            builder.rectangle(low + x, z, y, wall, 0.72),  # right wall, towards -x
        ]
    )


def furnish(
    builder: SceneBuilder,
    size: tuple[float, float, float],
    free_radius: float,
    materials: Sequence[Material],
) -> Furniture:
    """Boxes around a free middle, and lamps under the ceiling."""
    rng = builder.rng
    width, height, depth = size
    meshes: list[Mesh] = []
    footprints: list[Footprint] = []
    words: list[str] = []
    for angle in np.linspace(0, 2 * np.pi, 9, endpoint=False) + rng.uniform(0, 0.7):
        box_size = np.array([rng.uniform(0.5, 1.3), rng.uniform(0.5, 2.1), rng.uniform(0.4, 1.0)])
        reach = rng.uniform(free_radius + 0.55, free_radius + 1.5)
        limit = np.array([width, depth]) / 2 - box_size[[0, 2]] / 2 - 0.02
        centre = np.clip([reach * np.cos(angle), reach * 1.15 * np.sin(angle)], -limit, limit)
        footprint = Footprint(
            (centre[0] - box_size[0] / 2, centre[1] - box_size[2] / 2),
            (centre[0] + box_size[0] / 2, centre[1] + box_size[2] / 2),
        )
        if any(_overlap(footprint, other) for other in footprints):
            continue
        low = np.array([footprint.low[0], -min(box_size[1], height - 0.3), footprint.low[1]])
        meshes += builder.box(
            low, np.array([footprint.high[0], -0.001, footprint.high[1]]), materials[int(rng.integers(len(materials)))]
        )
        footprints.append(footprint)
        words.append(f"a {NAMES[rng.integers(len(NAMES))]}")
    meshes += _lamps(builder, height, materials)
    return Furniture(meshes, footprints, sorted(set(words)))


def _lamps(builder: SceneBuilder, height: float, materials: Sequence[Material]) -> list[Mesh]:
    """Three boxes high above the head: near structure in every direction, in nobody's way."""
    rng = builder.rng
    meshes: list[Mesh] = []
    for angle in np.linspace(0, 2 * np.pi, 3, endpoint=False) + rng.uniform(0, 2):
        centre = np.array([2.1 * np.cos(angle), -height + 0.26, 2.1 * np.sin(angle)])
        half = np.array([rng.uniform(0.15, 0.35), 0.2, rng.uniform(0.15, 0.35)])
        meshes += builder.box(centre - half, centre + half, materials[int(rng.integers(len(materials)))])
    return meshes


def moving_box(builder: SceneBuilder, z: float, half: float) -> Mover:
    """A box that slides along x and turns, standing on the floor at depth ``z``."""
    rng = builder.rng
    extent = np.array([half, half * 1.2, half])
    mesh = join_meshes(builder.box(-extent, extent, PAINTED))
    origin: Float[np.ndarray, "3"] = np.array([rng.uniform(-0.5, 0.5), -extent[1] - 0.02, z])
    return Mover(mesh, origin, np.array([rng.uniform(0.4, 0.7), 0.0, 0.0]), rng.uniform(4, 7), rng.uniform(-0.8, 0.8))


def _overlap(one: Footprint, other: Footprint) -> bool:
    gaps = [max(one.low[axis], other.low[axis]) - min(one.high[axis], other.high[axis]) for axis in (0, 1)]
    return max(gaps) < 0.03
