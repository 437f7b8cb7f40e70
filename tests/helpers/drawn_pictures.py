"""Pictures with large shapes, as photographs have them, and what is done to a picture before somebody trains on it."""

import cv2
import numpy as np


def drawn_picture(seed, height=180, width=320):
    """RGB: shapes of random places, sizes and colors over a soft background; no two seeds look alike."""
    rng = np.random.default_rng(seed)
    picture = cv2.resize(rng.integers(40, 215, (6, 11, 3)).astype(np.uint8), (width, height))
    for _ in range(14):
        center = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        color = [int(value) for value in rng.integers(0, 255, 3)]
        cv2.circle(picture, center, int(rng.integers(height // 24, height // 5)), color, -1)
    return picture


def jpeg(picture, quality):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def rescaled(picture, share):
    return cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)


def write_pictures(folder, pictures):
    """``name -> RGB picture`` as PNG files; the published layout has them under ``images``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture[..., ::-1])
