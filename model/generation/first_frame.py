"""Preparing the first frame: cover resize, centre crop, and intrinsics that follow (``model_spec.md`` section 5)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image


@dataclass(frozen=True)
class FirstFrame:
    """The conditioning image at the model's size.

    Attributes:
        pixels: RGB.
        scale: horizontal and vertical scale that was applied to the source image.
        left: columns cut after scaling, ``top`` rows likewise.
    """

    pixels: UInt8[ndarray, "height width 3"]
    scale: tuple[float, float]
    left: int
    top: int

    def intrinsics(self, source: Float[ndarray, "frames 4"]) -> Float[ndarray, "frames 4"]:
        """``fx fy cx cy`` of the source image in pixels of the prepared one: times scale, minus the crop."""
        horizontal, vertical = self.scale
        scaled = np.asarray(source, dtype=np.float64) * np.array([horizontal, vertical, horizontal, vertical])
        return scaled - np.array([0.0, 0.0, self.left, self.top])


def prepare_first_frame(image: UInt8[ndarray, "source_height source_width 3"], height: int, width: int) -> FirstFrame:
    """Scale by Lanczos until the target is covered, keep the aspect, cut the centre."""
    source_height, source_width = image.shape[:2]
    factor = max(height / source_height, width / source_width)
    size = (max(width, round(source_width * factor)), max(height, round(source_height * factor)))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    resized = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(resized.crop((left, top, left + width, top + height)))
    return FirstFrame(pixels, (size[0] / source_width, size[1] / source_height), left, top)


def default_intrinsics(height: int, width: int, degrees: float = 60.0) -> Float[ndarray, " 4"]:
    """What is assumed of an image without a calibration: square pixels, centred, ``degrees`` wide horizontally."""
    focal = width / (2 * np.tan(np.radians(degrees) / 2))
    return np.array([focal, focal, width / 2, height / 2])


def snap_raw_frames(raw_frames: int, stride: int) -> int:
    """The nearest count of the form ``stride * k + 1``; a tie goes up."""
    return max(1, int(np.floor((raw_frames - 1) / stride + 0.5))) * stride + 1
