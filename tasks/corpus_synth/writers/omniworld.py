"""``omniworld``: frames and depth as PNG, cameras per split, in game units."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt16
from scipy.spatial.transform import Rotation

from tasks.corpus_synth.kinds import Kind, Source
from tasks.corpus_synth.paths import Track
from tasks.corpus_synth.plan import TYPICAL_SPEED
from tasks.corpus_synth.raster import render_depth
from tasks.corpus_synth.render import RenderedClip
from tasks.corpus_synth.writers.common import Descriptor, WrittenClip, stable_hex, write_csv, write_json, write_sensor

HEADER = ("UID", "Video Path", "Annotation Path", "Img Num", "Split Num", "FPS", "Resolution")
DESCRIPTOR = Descriptor(
    "omniworld",
    "CC-BY-NC-SA-4.0",
    "gt_depth",
    TYPICAL_SPEED[Source.OMNIWORLD],
    "Game recordings with cameras and dense depth in game units",
)
# One sensor frame of eleven whose depth is in other units: the coefficient of variation of the per-frame scales is
# about 2.8 (limit 2.0) and, for the twin, about 1.73.
GLITCH = {Kind.SCALE: 200.0, Kind.SCALE_TWIN: 14.0}
COLOR_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB]
COLOR_PNG += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY]  # noise does not repeat
DEPTH_PNG = COLOR_PNG[:4]


def encode_depth(depth: Float[np.ndarray, "height width"]) -> UInt16[np.ndarray, "height width"]:
    """Game units to OmniWorld's 16 bits; 0 stays 0 (none).

    The inverse of depth = d / (1000 - 999 d) / 0.004 with d = v / 65535.
    """
    scaled = 0.004 * depth
    value = np.round(1000 * scaled / (1 + 999 * scaled) * 65535)
    return np.where(depth > 0, value, 0).astype(np.uint16)


def write_clip(clip: RenderedClip, folder: Path) -> WrittenClip:
    """One scene with a single split."""
    spec, track = clip.spec, clip.track
    uid = stable_hex(12, "omniworld", clip.seed, spec.number)
    scene = folder / uid
    for name in ("color", "depth", "camera"):
        (scene / name).mkdir(parents=True)
    metres_per_unit = float(clip.rng(3).uniform(1.5, 4.0))
    for frame, glitch in enumerate(_glitches(clip)):
        depth = render_depth(clip.scene, track.view(frame)) / (metres_per_unit * glitch)
        cv2.imwrite(str(scene / f"depth/{frame:06d}.png"), encode_depth(depth), DEPTH_PNG)
        cv2.imwrite(str(scene / f"color/{frame:06d}.png"), clip.frames[frame][..., ::-1], COLOR_PNG)
    frames = len(clip.frames)
    write_json(scene / "camera/split_0.json", split_camera(track, metres_per_unit))
    write_json(scene / "split_info.json", {"scene_name": uid, "split_num": 1, "split": [list(range(frames))]})
    (scene / "fps.txt").write_text(f"{float(spec.fps)}\n")
    write_sensor(clip, scene)
    row = {
        "UID": uid,
        "Video Path": f"{uid}/color",
        "Annotation Path": uid,
        "Img Num": str(frames),
        "Split Num": "1",
        "FPS": f"{float(spec.fps)}",
        "Resolution": f"{spec.size[0]}\u00d7{spec.size[1]}",
    }
    return WrittenClip(spec.number, f"omniworld/{uid}", row, metres_per_unit)


def split_camera(track: Track, metres_per_unit: float) -> dict[str, object]:
    """``camera/split_k.json``: world to camera, quaternions w x y z, pixel centres at +0.5."""
    world_to_camera = np.linalg.inv(track.camera_to_world)
    quaternions = Rotation.from_matrix(world_to_camera[:, :3, :3]).as_quat(canonical=True)[:, [3, 0, 1, 2]]
    return {
        "focals": track.intrinsics[:, 0].tolist(),
        "cx": float(track.intrinsics[0, 2] + 0.5),
        "cy": float(track.intrinsics[0, 3] + 0.5),
        "quats": quaternions.tolist(),
        "trans": (world_to_camera[:, :3, 3] / metres_per_unit).tolist(),
    }


def write_index(written: Sequence[WrittenClip], folder: Path) -> None:
    """``omniworld_metadata.csv``."""
    write_csv(folder / "omniworld_metadata.csv", HEADER, [clip.row for clip in written])


def _glitches(clip: RenderedClip) -> Float[np.ndarray, "frames"]:
    """Per frame, by how much metres per unit exceed the scene's own: 1 but for frames around one sensor frame."""
    glitch = np.ones(len(clip.frames))
    factor = GLITCH.get(clip.spec.planting.kind)
    if factor is not None and clip.sensor is not None:
        middle = int(clip.sensor.frames[clip.rng(4).integers(2, len(clip.sensor.frames) - 2)])
        glitch[middle - 3 : middle + 4] = factor
    return glitch
