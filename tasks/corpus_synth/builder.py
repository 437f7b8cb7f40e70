"""Collects surfaces, gives each its patch of the atlas, and paints them all."""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from tasks.corpus_synth.atlas import Atlas, ShelfPacker, build_pyramid
from tasks.corpus_synth.materials import Material, noise_field, paint_patch
from tasks.corpus_synth.scene import Mesh


@dataclass(frozen=True)
class _Patch:
    x: int
    y: int
    height: int
    width: int
    material: Material
    density: float
    shade: float


@dataclass
class SceneBuilder:
    """Surfaces of one scene on the way to its meshes and atlas.

    Attributes:
        rng: all randomness of the scene.
        density: texels per metre of ordinary surfaces.
        texture_width: width of the atlas in texels.
    """

    rng: np.random.Generator
    density: float
    texture_width: int = 2048
    _patches: list[_Patch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._packer = ShelfPacker(self.texture_width)

    def patch(
        self, size_u: float, size_v: float, material: Material, shade: float = 1.0, density: float = 0.0
    ) -> tuple[int, int, int, int]:
        """Reserve texture for ``size_u x size_v`` metres; returns (x, y, width, height) in texels."""
        largest = self.texture_width - 64
        density = min(density or self.density, largest / size_u)
        width, height = max(8, round(size_u * density)), max(8, round(size_v * density))
        x, y = self._packer.place(height, width)
        self._patches.append(_Patch(x, y, height, width, material, density, shade))
        return x, y, width, height

    def rectangle(
        self,
        corner: Float[np.ndarray, "3"],
        edge_u: Float[np.ndarray, "3"],
        edge_v: Float[np.ndarray, "3"],
        material: Material,
        shade: float = 1.0,
        density: float = 0.0,
    ) -> Mesh:
        """One rectangle, visible from the side of ``edge_u x edge_v``; density 0 is the builder's own."""
        size_u, size_v = float(np.linalg.norm(edge_u)), float(np.linalg.norm(edge_v))
        x, y, width, height = self.patch(size_u, size_v, material, shade, density)
        along, across = edge_u / (edge_u @ edge_u), edge_v / (edge_v @ edge_v)
        texture = np.array(
            [
                [*(width * along), x - 0.5 - width * (corner @ along)],
                [*(height * across), y - 0.5 - height * (corner @ across)],
            ]
        )
        corners = np.stack([corner, corner + edge_u, corner + edge_u + edge_v, corner + edge_v])
        return Mesh(corners[None], texture[None], np.array([True]))

    def box(self, low: Float[np.ndarray, "3"], high: Float[np.ndarray, "3"], material: Material) -> list[Mesh]:
        """The six faces of an axis-aligned box, seen from outside, each with its own light."""
        size = high - low
        x, y, z = (np.eye(3)[axis] * size[axis] for axis in range(3))
        return [
            self.rectangle(low, y, x, material, 0.92),  # front, towards -z
            self.rectangle(high, -x, -y, material, 0.74),  # back
            self.rectangle(low, z, y, material, 0.82),  # left, towards -x
            self.rectangle(high, -y, -z, material, 0.66),  # right
            self.rectangle(low, x, z, material, 1.08),  # top, towards -y
            self.rectangle(high, -z, -x, material, 0.5),  # bottom
        ]

    def paint(self) -> Atlas:
        """The atlas with every reserved patch painted and its gutter filled with its edge."""
        height = -(-self._packer.height // 32) * 32
        canvas = np.zeros((height, self.texture_width, 3), np.uint8)
        noise = noise_field(height, self.texture_width, self.rng)
        for patch in self._patches:
            rows, columns = slice(patch.y, patch.y + patch.height), slice(patch.x, patch.x + patch.width)
            target = canvas[rows, columns]
            lit = _lit(patch.material, patch.shade)
            paint_patch(target, noise[rows, columns], lit, patch.density, self.rng)
            _extend(canvas, patch)
        return build_pyramid(canvas)


def _lit(material: Material, shade: float) -> Material:
    red, green, blue = (min(245, round(channel * shade)) for channel in material.tint)
    return replace(material, tint=(red, green, blue), spread=material.spread * shade)


def _extend(canvas: np.ndarray, patch: _Patch, gutter: int = 12) -> None:
    """Repeat the edge of a patch into its gutter, so that coarse levels do not mix neighbours."""
    top, bottom, left, right = patch.y, patch.y + patch.height, patch.x, patch.x + patch.width
    rows = slice(top - gutter, bottom + gutter)
    canvas[top - gutter : top, left:right] = canvas[top, left:right]
    canvas[bottom : bottom + gutter, left:right] = canvas[bottom - 1, left:right]
    canvas[rows, left - gutter : left] = canvas[rows, left : left + 1]
    canvas[rows, right : right + gutter] = canvas[rows, right - 1 : right]
