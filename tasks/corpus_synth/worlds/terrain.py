"""A valley: a height field with a rim of hills, boulders and huts on it, mountains and sky far away."""

import cv2
import numpy as np
from jaxtyping import Float

from tasks.corpus_synth.builder import SceneBuilder
from tasks.corpus_synth.materials import GRASS, PLASTER, ROCK, SAND, STONE, WOOD, Material
from tasks.corpus_synth.scene import Footprint, HeightField, Mesh, Mover, Scene, join_meshes

CELLS = 15
HALF = 13.0
SKY_DISTANCE = 240.0
GROUND_DENSITY = 74.0
SKY = Material((158, 178, 200), 0.02, 0.0006, (6.0, 22.0), 1.8, 14, 0.4)


def build_terrain(rng: np.random.Generator, moving: bool) -> Scene:
    """A 26 x 26 m valley whose middle 6 m are gentle enough to walk on."""
    builder = SceneBuilder(rng, density=46)
    ground = HeightField(-HALF, HALF, _heights(rng))
    terrain = _terrain(builder, ground, (GRASS, SAND)[rng.integers(2)])
    meshes, footprints = _boulders(builder, ground)
    movers = [_animal(builder, ground)] if moving else []
    return Scene(
        shell=join_meshes([*_sky(builder), terrain]),
        objects=join_meshes(meshes),
        movers=movers,
        atlas=builder.paint(),
        ground=ground,
        bounds=(-6.0, -6.0, 6.0, 6.0),
        footprints=footprints,
        words=["a valley", "rolling hills", "boulders", "small huts"],
    )


def _heights(rng: np.random.Generator) -> Float[np.ndarray, "n n"]:
    nodes = CELLS + 1
    smooth = cv2.resize(rng.normal(0, 0.55, (5, 5)), (nodes, nodes), interpolation=cv2.INTER_CUBIC)
    rough = rng.normal(0, 0.10, (nodes, nodes))
    axis = np.linspace(-HALF, HALF, nodes)
    radius = np.hypot(*np.meshgrid(axis, axis))
    rim = np.clip((radius - 5.5) / 6.5, 0, 1.4) ** 1.5
    return -(smooth * 0.6 + rough + rim * (2.6 + smooth))


def _terrain(builder: SceneBuilder, ground: HeightField, material: Material) -> Mesh:
    """Two triangles per cell; the texture is laid on from above."""
    x, y, width, height = builder.patch(2 * HALF, 2 * HALF, material, density=GROUND_DENSITY)
    scale_s, scale_t = width / (2 * HALF), height / (2 * HALF)
    texture = np.array([[scale_s, 0, 0, x - 0.5 + scale_s * HALF], [0, 0, scale_t, y - 0.5 + scale_t * HALF]])
    axis = np.linspace(-HALF, HALF, CELLS + 1)
    grid = np.stack([*np.meshgrid(axis, axis)], axis=-1)
    points = np.stack([grid[..., 0], ground.height, grid[..., 1]], axis=-1)
    a, b, c, d = points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, c, c], axis=2), np.stack([a, c, d, d], axis=2)]).reshape(-1, 4, 3)
    return Mesh(triangles, np.repeat(texture[None], len(triangles), axis=0), np.ones(len(triangles), bool))


def _boulders(builder: SceneBuilder, ground: HeightField) -> tuple[list[Mesh], list[Footprint]]:
    """Upright blocks sunk into the ground: low boulders inside the valley, taller huts towards the rim."""
    rng = builder.rng
    meshes: list[Mesh] = []
    footprints: list[Footprint] = []
    for index in range(18):
        hut = index % 3 == 0
        reach, angle = rng.uniform(5.5, 9.5) if hut else rng.uniform(2.2, 7.5), rng.uniform(0, 2 * np.pi)
        half = rng.uniform(0.5, 1.1, 2) if hut else rng.uniform(0.15, 0.5, 2)
        rise = rng.uniform(1.6, 3.4) if hut else rng.uniform(0.3, 1.1)
        x, z = reach * np.cos(angle), reach * np.sin(angle)
        footprint = Footprint((x - half[0], z - half[1]), (x + half[0], z + half[1]))
        base = float(ground.at(np.array([x]), np.array([z]))[0])
        low, high = np.array([x - half[0], base - rise, z - half[1]]), np.array([x + half[0], base + 0.6, z + half[1]])
        material = (PLASTER, WOOD, STONE)[rng.integers(3)] if hut else (ROCK, STONE)[rng.integers(2)]
        meshes += builder.box(low, high, material)
        footprints.append(footprint)
    return meshes, footprints


def _animal(builder: SceneBuilder, ground: HeightField) -> Mover:
    rng = builder.rng
    half = np.array([0.3, 0.25, 0.18])
    mesh = join_meshes(builder.box(-half, half, WOOD))
    x, z = rng.uniform(-2, 2), rng.uniform(2.5, 4.5)
    base = float(ground.at(np.array([x]), np.array([z]))[0])
    return Mover(mesh, np.array([x, base - 0.35, z]), np.array([0.8, 0, 0]), rng.uniform(4, 7), rng.uniform(-0.5, 0.5))


def _sky(builder: SceneBuilder) -> list[Mesh]:
    """Five faces of a huge box: soft clouds, no depth."""
    far = SKY_DISTANCE
    density = 320 / (2 * far)
    low, x, y, z = np.array([-far, -far, -far]), *np.diag([2 * far, far * 1.2, 2 * far])
    faces = [
        builder.rectangle(low, z, x, SKY, 1.05, density),
        builder.rectangle(low + z, y, x, SKY, 1.0, density),
        builder.rectangle(low, x, y, SKY, 1.0, density),
        builder.rectangle(low, y, z, SKY, 1.0, density),
        builder.rectangle(low + x, z, y, SKY, 1.0, density),
    ]
    return [Mesh(face.corners, face.texture, np.array([False])) for face in faces]
