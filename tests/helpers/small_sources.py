"""Small sources in their true formats, for the tests of ingest and filtering."""

import csv
import json

import cv2
import numpy as np

HEIGHT, WIDTH, FRAMES = 64, 96, 17


def moving_frames(seed=0, frames=FRAMES, height=HEIGHT, width=WIDTH):
    """A textured picture drifting to the left, two pixels a frame."""
    rng = np.random.default_rng(seed)
    wide = cv2.GaussianBlur(rng.integers(0, 255, (height, width + 2 * frames, 3)).astype(np.uint8), (0, 0), 2)
    wide = cv2.normalize(wide, None, 0, 255, cv2.NORM_MINMAX)
    return np.stack([wide[:, 2 * t : 2 * t + width] for t in range(frames)])


def look(yaw, position):
    """Camera to world, OpenCV, turned about y."""
    pose = np.eye(4)
    c, s = np.cos(yaw), np.sin(yaw)
    pose[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    pose[:3, 3] = position
    return pose


def trajectory(frames=FRAMES):
    return np.stack([look(0.02 * t, (0.1 * t, 0.05 * t, 0.3 * t)) for t in range(frames)])


def describe(folder, source_format, **values):
    folder.mkdir(parents=True, exist_ok=True)
    content = {"version": 1, "name": source_format, "format": source_format, "licence": "CC0-1.0", **values}
    (folder / "source.json").write_text(json.dumps(content))


def write_rows(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
