"""``sekai_game``: videos with camera-to-world matrices of unknown scale and normalized intrinsics."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.corpus_synth.kinds import Kind, Source
from tasks.corpus_synth.plan import TYPICAL_SPEED
from tasks.corpus_synth.render import RenderedClip
from tasks.corpus_synth.writers.common import Descriptor, WrittenClip, write_csv, write_sensor
from tasks.vision.video import write_video

HEADER = ("videoFile", "cameraFile", "caption", "location", "scene", "crowdDensity", "weather", "timeOfDay")
MISSING_ROWS = 6
DESCRIPTOR = Descriptor(
    "sekai_game",
    "CC-BY-NC-4.0",
    "gt_pose",
    TYPICAL_SPEED[Source.SEKAI_GAME],
    "Game walks with exact cameras of unknown scale",
)


def write_clip(clip: RenderedClip, folder: Path) -> WrittenClip:
    """One video, its cameras, its line of the table."""
    spec = clip.spec
    start = 600 * (spec.number % 2)
    name = f"Walk{spec.scene_number:03d}_{start:07d}_{start + len(clip.frames):07d}"
    write_video(folder / f"{name}.mp4", clip.frames, spec.fps, quality=14)
    write_sensor(clip, folder / name)
    metres_per_unit = float(clip.rng(3).uniform(40, 120))
    extrinsic, intrinsic = _cameras(clip, metres_per_unit)
    np.savez(folder / f"{name}.npz", extrinsic=extrinsic, intrinsic=intrinsic)
    row = {
        "videoFile": f"{name}.mp4",
        "cameraFile": f"{name}.npz",
        "caption": clip.caption,
        "location": "game",
        "scene": clip.scene.words[0],
        "crowdDensity": "none",
        "weather": "clear",
        "timeOfDay": "noon",
    }
    return WrittenClip(spec.number, f"sekai_game/{name}.mp4", row, metres_per_unit)


def write_index(written: Sequence[WrittenClip], folder: Path) -> None:
    """``sekai-game.csv``."""
    write_csv(folder / "sekai-game.csv", HEADER, [clip.row for clip in written])


def _cameras(clip: RenderedClip, metres_per_unit: float) -> tuple[np.ndarray, np.ndarray]:
    """``extrinsic`` (N, 4, 4) and ``intrinsic`` (N, 3, 3), with what is planted in them."""
    extrinsic = clip.track.camera_to_world.copy()
    extrinsic[:, :3, 3] /= metres_per_unit
    width, height = clip.spec.size
    intrinsic = np.zeros((len(extrinsic), 3, 3))
    intrinsic[:, 0, 0], intrinsic[:, 1, 1] = (clip.track.intrinsics[:, :2] / (width, height)).T
    intrinsic[:, 0, 2], intrinsic[:, 1, 2] = ((clip.track.intrinsics[:, 2:] + 0.5) / (width, height)).T
    intrinsic[:, 2, 2] = 1.0
    if clip.spec.planting.kind is Kind.POSE_ROWS:
        return extrinsic[:-MISSING_ROWS], intrinsic[:-MISSING_ROWS]
    if clip.spec.planting.kind is Kind.POSE_NAN:
        extrinsic[30:33] = np.nan
    return extrinsic, intrinsic
