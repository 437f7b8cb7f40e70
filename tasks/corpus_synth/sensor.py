"""Sparse depth as a phone's sensor gives it: few pixels, noisy, short range, every eighth frame at 16 fps."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt16

from tasks.corpus_synth.paths import Track
from tasks.corpus_synth.raster import render_depth
from tasks.corpus_synth.scene import Scene

SIZE = (40, 24)
INTERVAL = 0.5  # seconds: eight frames at 16 fps
RANGE = 8.0  # metres
NOISE = 0.01  # of the depth
FLOOR_NOISE = 0.004  # metres
DROPPED = 0.06


@dataclass(frozen=True)
class SensorDepth:
    """``frames`` are native frame numbers; ``depth`` is z-depth in millimetres, 0 = none."""

    frames: Int[np.ndarray, "n"]
    depth: UInt16[np.ndarray, "n h w"]


def sense_frames(fps: int, frames: int) -> list[int]:
    """Native frames that fall on every half second."""
    step = round(INTERVAL * fps)
    return list(range(0, frames, step))


def sense(scene: Scene, track: Track, frames: list[int], rng: np.random.Generator) -> SensorDepth:
    """Measure the given frames of a clip."""
    maps = [measure(render_depth(scene, track.view(frame).resampled(*SIZE)), rng) for frame in frames]
    return SensorDepth(np.array(frames, np.int64), np.stack(maps))


def measure(depth: np.ndarray, rng: np.random.Generator) -> UInt16[np.ndarray, "h w"]:
    """Noise, dropped values and range limit on exact depth in metres."""
    noisy = depth * (1 + NOISE * rng.standard_normal(depth.shape)) + FLOOR_NOISE * rng.standard_normal(depth.shape)
    seen = (depth > 0.1) & (depth < RANGE) & (rng.random(depth.shape) > DROPPED)
    return np.where(seen, np.round(noisy * 1000), 0).astype(np.uint16)
