"""Time the H.264 writer on this CPU at the released size: ``python -m serving.bench_video --out FILE.json``.

Frames are a panned texture: detail that moves, as a video has it. One thread, as the writer always runs.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from serving.video import ProgressiveVideo

HEIGHT, WIDTH, FRAME_RATE, CHUNK = 704, 1280, 16.0, 24


def panned_texture(frames: int, height: int, width: int) -> np.ndarray:
    """Frames of one texture that moves three pixels a frame."""
    noise = np.random.default_rng(0).normal(size=(height, width, 3))
    texture = np.sum([gaussian_filter(noise, (size, size, 0)) * size for size in (1, 4, 16)], axis=0)
    picture = np.clip(128 + 60 * texture / texture.std(), 0, 255).astype(np.uint8)
    return np.stack([np.roll(picture, 3 * frame, axis=1) for frame in range(frames)])


def measure(frames: int, height: int, width: int) -> dict[str, float]:
    """Seconds, frames a second and bytes of one file."""
    pictures = panned_texture(frames, height, width)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "out.mp4"
        began = time.perf_counter()
        with ProgressiveVideo(path, FRAME_RATE) as video:
            for start in range(0, frames, CHUNK):
                video.append(pictures[start : start + CHUNK])
        seconds = time.perf_counter() - began
        size = path.stat().st_size
    return {"frames": frames, "seconds": seconds, "x_realtime": frames / FRAME_RATE / seconds, "bytes": size}


def main(arguments: list[str] | None = None) -> None:
    """Measure three times, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=10 * CHUNK)
    parser.add_argument("--size", nargs=2, type=int, default=(HEIGHT, WIDTH), metavar=("HEIGHT", "WIDTH"))
    options = parser.parse_args(arguments)
    rounds = [measure(options.frames, *options.size) for _ in range(3)]
    record = {"cpu": platform.processor() or platform.machine(), "size": list(options.size), "rounds": rounds}
    options.out.write_text(json.dumps(record, indent=1) + "\n")
    sys.stdout.write(f"{min(one['x_realtime'] for one in rounds):.1f} to ")
    sys.stdout.write(f"{max(one['x_realtime'] for one in rounds):.1f} times real time\n")


if __name__ == "__main__":
    main()
