"""A hall with a corridor that runs all the way round a pillar, so that a path can return to its start."""

import numpy as np

from tasks.corpus_synth.builder import SceneBuilder
from tasks.corpus_synth.materials import CARPET, PAINTED, PLASTER, STONE, WOOD
from tasks.corpus_synth.scene import Footprint, Scene, join_meshes
from tasks.corpus_synth.worlds.room import FURNITURE, furnish, moving_box, shell_of_box

HALL = (6.6, 2.8, 7.4)
PILLAR_HALF = (0.13, 0.16)  # slim: at a metre it leaves most of the picture open, so that no frame loses every corner


def build_corridor(rng: np.random.Generator, moving: bool) -> Scene:
    """A ring-shaped corridor about 2 m wide with niches and cabinets along its outer wall."""
    width, height, depth = (float(side) for side in np.array(HALL) * rng.uniform(0.95, 1.08))
    builder = SceneBuilder(rng, density=96)
    wall = (PLASTER, PAINTED, STONE)[rng.integers(3)]
    shell = shell_of_box(builder, (width, height, depth), wall, (CARPET, WOOD, STONE)[rng.integers(3)], PLASTER)
    furniture = furnish(builder, (width, height, depth), 2.05, FURNITURE)
    half_x, half_z = PILLAR_HALF
    top = -height + 0.002
    block = builder.box(np.array([-half_x, top, -half_z]), np.array([half_x, -0.002, half_z]), STONE)
    movers = [moving_box(builder, depth / 2 - 1.2, 0.25)] if moving else []
    return Scene(
        shell=shell,
        objects=join_meshes([*furniture.meshes, *block]),
        movers=movers,
        atlas=builder.paint(),
        ground=None,
        bounds=(-width / 2 + 0.35, -depth / 2 + 0.35, width / 2 - 0.35, depth / 2 - 0.35),
        footprints=[*furniture.footprints, Footprint((-half_x, -half_z), (half_x, half_z))],
        words=["a corridor", "a stone pillar", *furniture.words],
    )
