"""How surfaces look: multi-scale noise that never repeats, under random shapes with sharp corners."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

SHIFT = 4


@dataclass(frozen=True)
class Material:
    """A kind of surface.

    Attributes:
        tint: base colour, RGB 0-255.
        grain: amplitude of the noise relative to the tint.
        shapes: random shapes per square metre.
        size: smallest and largest shape radius in metres (log-uniform).
        stretch: length over width of the shapes.
        spread: how far shape colours lie from the tint, in levels.
        variety: how much the tint differs between surfaces and across one, in levels.
    """

    tint: tuple[int, int, int]
    grain: float
    shapes: float
    size: tuple[float, float]
    stretch: float
    spread: float
    variety: float = 6.0


PLASTER = Material((186, 178, 164), 0.16, 16, (0.03, 0.30), 1.2, 70)
STONE = Material((150, 142, 134), 0.26, 30, (0.03, 0.22), 1.3, 60)
WOOD = Material((158, 118, 82), 0.22, 26, (0.02, 0.16), 4.0, 50)
CARPET = Material((126, 96, 102), 0.24, 34, (0.02, 0.14), 1.5, 64)
PAINTED = Material((98, 128, 150), 0.18, 40, (0.02, 0.20), 1.4, 80)
FABRIC = Material((146, 124, 110), 0.20, 44, (0.02, 0.12), 1.8, 72)
GRASS = Material((104, 124, 78), 0.30, 13, (0.05, 0.50), 1.8, 46)
SAND = Material((176, 156, 118), 0.24, 13, (0.05, 0.50), 1.4, 46)
ROCK = Material((128, 122, 118), 0.30, 24, (0.04, 0.40), 1.3, 54)
# Mostly smooth, with few small marks: a slow camera changes few pixels, yet each mark can be tracked.
BARE = Material((150, 146, 140), 0.02, 9, (0.03, 0.09), 1.2, 60)


def noise_field(height: int, width: int, rng: np.random.Generator) -> Float32[np.ndarray, "height width"]:
    """Noise of equal power per octave from 2 to 256 texels, about unit variance."""
    field = rng.standard_normal((height // 256 + 3, width // 256 + 3), np.float32)
    for step in (128, 64, 32, 16, 8, 4, 2):
        rows, columns = height // step + 3, width // step + 3
        field = cv2.resize(field, (columns, rows), interpolation=cv2.INTER_LINEAR)
        field += rng.standard_normal((rows, columns), np.float32)
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR) * np.float32(0.36)


def paint_patch(
    canvas: UInt8[np.ndarray, "height width 3"],
    noise: Float32[np.ndarray, "height width"],
    material: Material,
    texels_per_metre: float,
    rng: np.random.Generator,
) -> None:
    """Paint one surface in place; the tint varies a little from surface to surface."""
    height, width = canvas.shape[:2]
    tint = np.array(material.tint) + material.variety * (rng.uniform(-2, 2) + rng.uniform(-1, 1, 3))
    glow = cv2.resize(rng.normal(0, 0.01 * material.variety, (5, 5)).astype(np.float32), (width, height))
    light = np.clip(1 + np.float32(material.grain) * noise + glow, 0, 250 / tint.max())
    for channel in range(3):
        canvas[..., channel] = light * np.float32(tint[channel])
    area = height * width / texels_per_metre**2
    _draw_shapes(canvas, material, tint, max(6, round(material.shapes * area)), texels_per_metre, rng)


def _draw_shapes(
    canvas: UInt8[np.ndarray, "height width 3"],
    material: Material,
    tint: np.ndarray,
    count: int,
    texels_per_metre: float,
    rng: np.random.Generator,
) -> None:
    height, width = canvas.shape[:2]
    low, high = material.size
    radius = low * (high / low) ** (rng.random(count) ** 1.6) * texels_per_metre
    radius = np.sort(radius)[::-1]  # large shapes first, so that small ones stay visible
    corners = rng.integers(3, 8, count)
    angle = np.sort(rng.uniform(0, 2 * np.pi, (count, 8)), axis=1)
    reach = radius[:, None] * rng.uniform(0.6, 1.2, (count, 8))
    turn = rng.uniform(0, 0.35, count) if material.stretch > 2 else rng.uniform(0, np.pi, count)
    along, across = reach * np.cos(angle) * np.sqrt(material.stretch), reach * np.sin(angle) / np.sqrt(material.stretch)
    x = along * np.cos(turn)[:, None] - across * np.sin(turn)[:, None] + rng.uniform(0, width, count)[:, None]
    y = along * np.sin(turn)[:, None] + across * np.cos(turn)[:, None] + rng.uniform(0, height, count)[:, None]
    points = np.round(np.stack([x, y], axis=-1) * (1 << SHIFT)).astype(np.int32)
    lightness = rng.normal(0, material.spread, count)[:, None]
    colors = np.clip(tint + lightness + rng.normal(0, material.spread * 0.35, (count, 3)), 8, 247)
    for index in range(count):
        color = tuple(float(channel) for channel in colors[index])
        cv2.fillPoly(canvas, [points[index, : corners[index]]], color, lineType=cv2.LINE_AA, shift=SHIFT)
