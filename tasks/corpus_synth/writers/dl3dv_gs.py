"""``dl3dv_gs``: Gaussian scenes with the cameras of their training frames, in the scale of structure from motion."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from tasks.corpus_synth.gaussians import lift, write_ply
from tasks.corpus_synth.paths import REDRAWS, Family, Lens, NoPathError, Track, film
from tasks.corpus_synth.raster import render_color
from tasks.corpus_synth.scene import Scene
from tasks.corpus_synth.sensor import sense
from tasks.corpus_synth.worlds.room import build_room
from tasks.corpus_synth.writers.common import Descriptor, WrittenClip, stable_hex, write_csv, write_json

HEADER = ("hash", "sensibility label", "batch", "duration")
TRAINING_FRAMES = 12
SIZE = (320, 192)
DESCRIPTOR = Descriptor(
    "dl3dv_gs", "CC-BY-NC-4.0", "gt_pose", 0.5, "Gaussian scenes with the cameras of their training frames"
)


@dataclass(frozen=True)
class SceneSpec:
    """A Gaussian scene to make. ``single`` scenes are lifted from one RGB-D frame, the others from several."""

    number: int
    single: bool


def plan_scenes(clips: int) -> list[SceneSpec]:
    """Two scenes for small corpora, four for 48 clips and more; the first is lifted from a single frame."""
    return [SceneSpec(number, single=number == 0) for number in range(2 if clips < 48 else 4)]


def _filmed_room(spec: SceneSpec, seed: int) -> tuple[Scene, Track, np.random.Generator]:
    """The first room drawn in which the training frames find a path, and the generator after both."""
    problem = NoPathError("no room was drawn")
    for redraw in range(REDRAWS):
        rng = np.random.default_rng([seed, 3, spec.number, *([redraw] if redraw else [])])
        scene = build_room(rng, moving=False)
        seconds = np.linspace(0, 5, TRAINING_FRAMES)
        lens, speed = Lens(*SIZE, float(rng.uniform(64, 74))), 0.25 if spec.single else 0.5
        try:
            return scene, film(scene, Family.ARC, lens, speed, seconds, rng), rng
        except NoPathError as error:
            problem = error
    raise problem


def write_scene(spec: SceneSpec, seed: int, folder: Path) -> WrittenClip:
    """Film the training frames, lift them, write the scene."""
    scene, track, rng = _filmed_room(spec, seed)
    metres_per_unit = float(rng.uniform(0.3, 3.0))
    name = stable_hex(64, "dl3dv", seed, spec.number)
    home = folder / name
    _write_gaussians(spec, scene, track, 1 / metres_per_unit, home)
    (home / "images").mkdir()
    for frame in range(TRAINING_FRAMES):
        image = render_color(scene, track.view(frame))
        cv2.imwrite(str(home / f"images/frame_{frame + 1:05d}.png"), image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    write_json(home / "transforms.json", transforms(track, metres_per_unit))
    sensor = sense(scene, track, list(range(TRAINING_FRAMES)), rng)
    np.savez_compressed(folder / f"{name}.sensor_depth.npz", frames=sensor.frames, depth=sensor.depth)
    row = {"hash": name, "sensibility label": "", "batch": "1K", "duration": "5.0"}
    return WrittenClip(spec.number, f"dl3dv_gs/{name}", row, metres_per_unit)


def transforms(track: Track, metres_per_unit: float) -> dict[str, object]:
    """``transforms.json`` as ns-process-data writes it: OpenGL camera axes in a turned world, SfM scale."""
    camera_to_world = track.camera_to_world.copy()
    camera_to_world[:, :3, 3] /= metres_per_unit
    fx, fy, cx, cy = track.intrinsics[0]
    return {
        "w": track.width,
        "h": track.height,
        "fl_x": fx,
        "fl_y": fy,
        "cx": cx + 0.5,
        "cy": cy + 0.5,
        "k1": 0.0,
        "k2": 0.0,
        "p1": 0.0,
        "p2": 0.0,
        "camera_model": "OPENCV",
        "applied_transform": _turned(np.eye(4))[:3].tolist(),
        "frames": [
            {
                "file_path": f"images/frame_{frame + 1:05d}.png",
                "transform_matrix": _turned(pose @ np.diag([1.0, -1.0, -1.0, 1.0])).tolist(),
                "colmap_im_id": frame + 1,
            }
            for frame, pose in enumerate(camera_to_world)
        ],
    }


def write_index(written: Sequence[WrittenClip], folder: Path) -> None:
    """``DL3DV-valid.csv``."""
    write_csv(folder / "DL3DV-valid.csv", HEADER, [scene.row for scene in written])


def _write_gaussians(spec: SceneSpec, scene: Scene, track: Track, units_per_metre: float, home: Path) -> None:
    if spec.single:
        cloud = lift(scene, [track.view(TRAINING_FRAMES // 2)], (160, 96), voxel=0.005)
    else:
        cloud = lift(scene, [track.view(frame) for frame in range(0, TRAINING_FRAMES, 2)], (144, 86), voxel=0.03)
    write_ply(home / "point_cloud/iteration_30000/point_cloud.ply", cloud, units_per_metre)


def _turned(matrix: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """Nerfstudio's turn of the COLMAP world: rows (0, 2, 1), then the third negated."""
    turned = matrix[[0, 2, 1, 3]]
    turned[2] *= -1
    return turned
