"""Preparing the first frame: cover resize, center crop, and intrinsics that follow (``model_spec.md`` section 5)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image

from data_contracts.bundle import PixelOrigin
from model.generation.frame_count import snap_raw_frames

__all__ = ["FirstFrame", "default_intrinsics", "prepare_first_frame", "snap_raw_frames"]

# Where the middle of pixel 0 lies.
MIDDLE = {PixelOrigin.CORNER: 0.5, PixelOrigin.CENTER: 0.0}


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

    def intrinsics(
        self, source: Float[ndarray, "frames 4"], origin: PixelOrigin = PixelOrigin.CORNER
    ) -> Float[ndarray, "frames 4"]:
        """``fx fy cx cy`` of the source image in pixels of the prepared one.

        A resize maps the picture's corners onto corners. With corners at integers that is times scale minus the crop,
        as published; with pixel centers at integers, as in the corpus, a half pixel goes along before and after.
        """
        horizontal, vertical = self.scale
        half = 0.5 - MIDDLE[origin]
        corner = np.asarray(source, dtype=np.float64) + np.array([0.0, 0.0, half, half])
        scaled = corner * np.array([horizontal, vertical, horizontal, vertical])
        return scaled - np.array([0.0, 0.0, self.left + half, self.top + half])


def prepare_first_frame(image: UInt8[ndarray, "source_height source_width 3"], height: int, width: int) -> FirstFrame:
    """Scale by Lanczos until the target is covered, keep the aspect, cut the center."""
    source_height, source_width = image.shape[:2]
    factor = max(height / source_height, width / source_width)
    size = (max(width, round(source_width * factor)), max(height, round(source_height * factor)))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    resized = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(resized.crop((left, top, left + width, top + height)))
    return FirstFrame(pixels, (size[0] / source_width, size[1] / source_height), left, top)


def default_intrinsics(
    height: int, width: int, degrees: float = 60.0, origin: PixelOrigin = PixelOrigin.CENTER
) -> Float[ndarray, " 4"]:
    """What is assumed of an image without a calibration: square pixels, centered, ``degrees`` wide horizontally."""
    focal = width / (2 * np.tan(np.radians(degrees) / 2))
    half = 0.5 - MIDDLE[origin]
    return np.array([focal, focal, width / 2 - half, height / 2 - half])
