"""The two views in which DOVER (Wu et al. 2023) sees a stretch of video: a small picture, and pieces at full size.

Where the published sampler draws a place at random, the middle is taken, so that a score repeats bit for bit. That and
the wrap-around of short stretches are inferred from the published configuration; the rest is stated there and in the
FAST-VQA paper (Wu et al. 2022, Sec. 3.1).
"""

import cv2
import numpy as np
from jaxtyping import Float32, Int64, UInt8

FRAMES = 32  # of every view
INTERVAL = 2  # frames between two of the technical view
SIDE = 224  # pixels of either view
CELLS = 7  # pieces along each side of the technical view
PIECE = SIDE // CELLS  # pixels of a piece
MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # ImageNet, on 0..255
DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)


def aesthetic_view(frames: UInt8[np.ndarray, "frames height width 3"]) -> Float32[np.ndarray, "1 3 32 224 224"]:
    """One frame of each of 32 equal parts, resized to 224 x 224 (bilinear) whatever its aspect."""
    chosen = [_resized(frames[index], (SIDE, SIDE)) for index in aesthetic_frames(len(frames))]
    return _normalized(np.stack(chosen))[None]


def technical_view(
    frames: UInt8[np.ndarray, "frames height width 3"], clips: int
) -> Float32[np.ndarray, "clips 3 32 224 224"]:
    """Runs of 32 frames, each frame replaced by 7 x 7 pieces of 32 x 32 pixels that were not resized."""
    return np.stack(
        [
            _normalized(np.stack([fragments(frames[index]) for index in run]))
            for run in technical_frames(len(frames), clips)
        ]
    )


def aesthetic_frames(count: int) -> Int64[np.ndarray, "32"]:
    """The middle frame of each of 32 equal parts of ``count`` frames."""
    return np.floor((np.arange(FRAMES) + 0.5) * count / FRAMES).astype(np.int64)


def technical_frames(count: int, clips: int) -> Int64[np.ndarray, "clips 32"]:
    """Frames of each run: every second one, runs evenly spread; a stretch shorter than a run is read round again."""
    places = max(count - INTERVAL * (FRAMES - 1), 1)  # where a run may begin
    starts = np.floor((np.arange(clips) + 0.5) * places / clips).astype(np.int64)
    return (starts[:, None] + INTERVAL * np.arange(FRAMES)) % count


def fragments(frame: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "224 224 3"]:
    """The middle 32 x 32 pixels of each cell of a 7 x 7 grid, side by side.

    A frame with a side below 224 pixels is first enlarged, keeping its aspect, until it has them.
    """
    height, width = frame.shape[:2]
    if min(height, width) < SIDE:
        scale = SIDE / min(height, width)
        frame = _resized(frame, (max(SIDE, round(height * scale)), max(SIDE, round(width * scale))))
    rows, columns = (_pieces(size) for size in frame.shape[:2])
    return np.ascontiguousarray(frame[rows[:, None], columns[None, :]])


def _pieces(size: int) -> Int64[np.ndarray, "224"]:
    """Pixels along one side that belong to the pieces."""
    edges = np.arange(CELLS + 1) * size // CELLS
    starts = edges[:-1] + (np.diff(edges) - PIECE) // 2
    return (starts[:, None] + np.arange(PIECE)).ravel()


def _resized(frame: UInt8[np.ndarray, "height width 3"], size: tuple[int, int]) -> UInt8[np.ndarray, "rows cols 3"]:
    return cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)


def _normalized(frames: UInt8[np.ndarray, "frames rows cols 3"]) -> Float32[np.ndarray, "3 frames rows cols"]:
    return np.ascontiguousarray(((frames - MEAN) / DEVIATION).transpose(3, 0, 1, 2))
