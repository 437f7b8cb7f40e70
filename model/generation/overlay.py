"""Drawing the held keys into a corner of each frame, so that a viewer sees what was asked for."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image, ImageDraw, ImageFont

ROWS = ("wi", "asdjkl")
"""Keys in their places: walking and turning on the left, looking and strafing on the right, as on a keyboard."""
COLUMNS = {"w": 1.0, "i": 5.0, "a": 0.0, "s": 1.0, "d": 2.0, "j": 4.0, "k": 5.0, "l": 6.0}
DARK, LIGHT = (24, 24, 24), (236, 236, 236)
OPACITY = 0.72


def draw_keys(
    frames: UInt8[ndarray, "frames height width 3"], held: Sequence[frozenset[str]]
) -> UInt8[ndarray, "frames height width 3"]:
    """Copies of the frames with eight key caps at the lower left, bright while held.

    Raises:
        ValueError: there is not one set of keys per frame.
    """
    if len(frames) != len(held):
        raise ValueError(f"{len(frames)} frames have {len(held)} sets of held keys; one each is needed")
    return np.stack([_with_caps(frame, keys) for frame, keys in zip(frames, held, strict=True)])


def _with_caps(frame: UInt8[ndarray, "height width 3"], keys: frozenset[str]) -> UInt8[ndarray, "height width 3"]:
    picture = Image.fromarray(frame)
    caps = picture.copy()
    draw = ImageDraw.Draw(caps)
    side = max(7, frame.shape[0] // 16)
    font = ImageFont.load_default(max(6, side * 2 // 3))
    for row, names in enumerate(ROWS):
        for name in names:
            left = side // 2 + round(COLUMNS[name] * side * 1.15)
            top = frame.shape[0] - round((2.6 - row * 1.15) * side)
            back, ink = (LIGHT, DARK) if name in keys else (DARK, LIGHT)
            draw.rectangle((left, top, left + side - 1, top + side - 1), fill=back)
            draw.text((left + side / 2, top + side / 2), name.upper(), fill=ink, font=font, anchor="mm")
    return np.asarray(Image.blend(picture, caps, OPACITY))
