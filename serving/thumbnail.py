"""Stills of a finished video as JPEG."""

import io
from pathlib import Path

import av
import numpy as np
from PIL import Image

SHEET = 4


def thumbnail(path: Path) -> bytes:
    """The first frame."""
    with av.open(str(path)) as container:
        return _jpeg(next(container.decode(video=0)).to_ndarray(format="rgb24"))


def spritesheet(path: Path) -> bytes:
    """Sixteen frames at equal distances, four by four."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    chosen = [frames[index] for index in np.linspace(0, len(frames) - 1, SHEET * SHEET).round().astype(int)]
    rows = [np.concatenate(chosen[row * SHEET : (row + 1) * SHEET], axis=1) for row in range(SHEET)]
    return _jpeg(np.concatenate(rows, axis=0))


def _jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()
