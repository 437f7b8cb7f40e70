"""The embedded captioner: plain words for what the pixels measure. It names no object, because it recognizes none."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from tasks.captioning.protocols import CaptionItem
from tasks.vision.video import read_video

_WORKING_HEIGHT = 96
_GRAY_SATURATION = 0.18  # below it a hue is not seen as a color
# Upper edges of hue ranges in degrees, going round from red.
_HUES = ((15, "red"), (40, "orange"), (65, "yellow"), (95, "lime"), (160, "green"), (195, "teal"), (255, "blue"))
_LATER_HUES = ((285, "purple"), (335, "pink"), (361, "red"))
_BROWN_VALUE = 0.62  # orange and yellow this dark are seen as brown


@dataclass(frozen=True)
class Region:
    """A part of the picture in words. ``texture`` is the mean gradient of gray levels 0..255 per pixel."""

    color: str
    texture: float

    def words(self) -> str:
        """Texture and color, such as ``finely textured dark green``."""
        return f"{_texture_word(self.texture)} {self.color}"


class ImageStatisticsCaptioner:
    """Light, contrast, colors, texture and layout of the first, middle and last frame."""

    name = "image_statistics"
    version = 1

    def caption(self, item: CaptionItem) -> str:
        """A caption of two or three sentences."""
        return describe(_sample(item.media))


def describe(frames: UInt8[np.ndarray, "frames height width 3"]) -> str:
    """Describe RGB frames of one scene."""
    scene = frames.astype(np.float32) / 255
    luma = scene @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    light = f"{_light_word(float(luma.mean()))} scene with {_contrast_word(float(luma.std()))} contrast"
    upper, lower = (_region(part) for part in np.array_split(scene, 2, axis=1))
    left, right = (_region(part) for part in np.array_split(scene, 2, axis=2))
    article = "An" if light.startswith("e") else "A"
    sentences = [f"{article} {light}, mostly {_palette(scene)}."]
    sentences.append(f"The upper half is {upper.words()}, the lower half is {lower.words()}.")
    if left.color != right.color:
        sentences.append(f"There is more {left.color} on the left and more {right.color} on the right.")
    return " ".join(sentences)


def _sample(media: Path) -> UInt8[np.ndarray, "frames height width 3"]:
    """First, middle and last frame, reduced to 96 rows."""
    frames = read_video(media).frames
    _, height, width, _ = frames.shape
    size = (max(2, round(width * _WORKING_HEIGHT / height)), _WORKING_HEIGHT)
    chosen = (0, len(frames) // 2, len(frames) - 1)
    return np.stack([cv2.resize(frames[index], size, interpolation=cv2.INTER_AREA) for index in chosen])


def _region(part: Float[np.ndarray, "frames height width 3"]) -> Region:
    gray = part.mean(axis=3) * 255
    gradient = np.abs(np.diff(gray, axis=1)).mean() + np.abs(np.diff(gray, axis=2)).mean()
    return Region(_color_word(part.reshape(-1, 3).mean(axis=0)), float(gradient) / 2)


def _palette(scene: Float[np.ndarray, "frames height width 3"]) -> str:
    """The color words of the largest areas: up to three, each at least a tenth of the picture."""
    coarse = cv2.resize(scene[len(scene) // 2], (24, 16), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    words, counts = np.unique([_color_word(pixel) for pixel in coarse], return_counts=True)
    order = sorted(range(len(words)), key=lambda index: (-counts[index], words[index]))
    named = [str(words[index]) for index in order[:3] if counts[index] >= len(coarse) / 10]
    if len(named) < 2:
        return named[0] if named else "mixed colors"
    return f"{', '.join(named[:-1])} and {named[-1]}"


def _color_word(rgb: Float[np.ndarray, "3"]) -> str:
    value, low = float(rgb.max()), float(rgb.min())
    saturation = (value - low) / value if value > 0 else 0.0
    if value < 0.12:
        return "black"
    if saturation < _GRAY_SATURATION:
        return "white" if value > 0.85 else "light gray" if value > 0.6 else "gray" if value > 0.3 else "dark gray"
    shade = "dark " if value < 0.4 else "pale " if value > 0.7 and saturation < 0.4 else ""
    return shade + _hue_word(_hue(rgb), value)


def _hue(rgb: Float[np.ndarray, "3"]) -> float:
    """Hue in degrees, 0 is red."""
    red, green, blue = (float(value) for value in rgb)
    high, spread = max(red, green, blue), max(red, green, blue) - min(red, green, blue)
    if high == red:
        return 60 * ((green - blue) / spread) % 360
    if high == green:
        return 60 * ((blue - red) / spread) + 120
    return 60 * ((red - green) / spread) + 240


def _hue_word(hue: float, value: float) -> str:
    word = next(name for edge, name in (*_HUES, *_LATER_HUES) if hue < edge)
    return "brown" if word in ("orange", "yellow") and value < _BROWN_VALUE else word


def _light_word(mean: float) -> str:
    return "dark" if mean < 0.2 else "dim" if mean < 0.38 else "evenly lit" if mean < 0.6 else "bright"


def _contrast_word(deviation: float) -> str:
    return "low" if deviation < 0.1 else "medium" if deviation < 0.2 else "high"


def _texture_word(gradient: float) -> str:
    return "smooth" if gradient < 2.5 else "lightly textured" if gradient < 7 else "finely textured"
