"""What is done to frames and files so that a rule must find them."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

Frames = UInt8[np.ndarray, "frames height width 3"]
SATURATED = 218.0  # mean HSV S (0-255) aimed at; the rule's limit is 180
SATURATED_TWIN = 160.0
MOTION_TWIN = 0.57  # VMAF motion aimed at; the rule's limit is 0.5
GAUSSIAN = np.array([0.054488685, 0.244201342, 0.402619947, 0.244201342, 0.054488685])


def black(frames: Frames) -> Frames:
    """As under a lens cap: gray levels of at most 3."""
    luma = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])
    return np.repeat((luma * 0.012).astype(np.uint8)[..., None], 3, axis=-1)


def frozen(frames: Frames) -> Frames:
    """The first frame throughout."""
    return np.repeat(frames[:1], len(frames), axis=0)


def saturated(frames: Frames, target: float) -> Frames:
    """Move every pixel's HSV saturation towards 255 until the clip's mean is ``target``."""
    hsv = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2HSV) for frame in frames])
    mean = float(hsv[..., 1].mean())
    lift = np.float32((target - mean) / (255 - mean))
    saturation = hsv[..., 1].astype(np.float32)
    hsv[..., 1] = np.clip(np.round(saturation + (255 - saturation) * lift), 0, 255).astype(np.uint8)
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_HSV2RGB) for frame in hsv])


def vmaf_motion(frames: Frames) -> float:
    """Mean absolute difference of blurred video-range luma between neighbours: what ffmpeg's filter averages."""
    weights = np.array([0.299, 0.587, 0.114], np.float32) * np.float32(219 / 255)
    kernel = GAUSSIAN.astype(np.float32)
    blurred = [
        cv2.sepFilter2D(frame.astype(np.float32) @ weights, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
        for frame in frames
    ]
    return float(np.mean([np.abs(after - before).mean() for before, after in pairwise(blurred)]))


def truncate(path: Path) -> None:
    """Cut the last two fifths of the bytes off, as an interrupted download does."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 5])


def corrupt(path: Path, rng: np.random.Generator) -> None:
    """Overwrite the second half of the bytes with noise; the size stays."""
    data = bytearray(path.read_bytes())
    half = len(data) // 2
    data[half:] = rng.bytes(len(data) - half)
    path.write_bytes(bytes(data))
