"""Which held-out clips become benchmark scenes, and what is known of each: first frame, prompt, camera, depth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from data_contracts.annotations import read_annotations
from data_contracts.clip import AcceptedRow
from data_contracts.latents import LatentRow
from tasks.evaluation.trajectories import SceneGeometry
from tasks.vision.poses import ClipCameras, read_cameras
from tasks.vision.tables import read_table
from tasks.vision.video import decode, to_rgb

SPLIT_ORDER = ("benchmark", "val", "train")


@dataclass(frozen=True)
class Scene:
    """One benchmark scene.

    Attributes:
        clip: the accepted clip it starts from.
        prompt: its caption.
        first_frame: RGB.
        intrinsics: fx fy cx cy in pixels of the first frame.
        geometry: what is known of its depth.
    """

    clip: AcceptedRow
    prompt: str
    first_frame: UInt8[ndarray, "height width 3"]
    intrinsics: Float[ndarray, " 4"]
    geometry: SceneGeometry


def held_out_clips(accepted: Sequence[AcceptedRow], count: int) -> list[AcceptedRow]:
    """One clip per scene, benchmark and validation scenes before training ones, in the order of their ids."""
    ranked = sorted(accepted, key=lambda row: (SPLIT_ORDER.index(row.split), row.clip_id))
    chosen: dict[str, AcceptedRow] = {}
    for row in ranked:
        chosen.setdefault(row.scene_id, row)
    return list(chosen.values())[:count]


def read_scene(row: AcceptedRow, inputs: Mapping[str, Path], prompts: Mapping[str, str]) -> Scene:
    """Everything known of a scene.

    Raises:
        MediaError: its video cannot be read.
        OperationError: its cameras cannot be read.
    """
    _, picture = next(decode(media_path(row, inputs)))
    first = to_rgb(picture)
    cameras = clip_cameras(row, inputs)
    return Scene(row, prompts[row.clip_id], first, cameras.intrinsics[0], _geometry(row, inputs, cameras))


def read_prompts(latents: Path) -> dict[str, str]:
    """Caption of every clip that has latents."""
    return {row.clip_id: row.caption for row in read_table(latents / "index.parquet", LatentRow)}


def media_path(row: AcceptedRow, inputs: Mapping[str, Path]) -> Path:
    """The stored clip."""
    return inputs[row.origin] / "media" / f"{row.clip_id}.mp4"


def clip_cameras(row: AcceptedRow, inputs: Mapping[str, Path]) -> ClipCameras:
    """The clip's own cameras: exact for rendered clips, those of the pose stage else."""
    home = inputs["splat" if row.origin == "splat" else "pose"]
    return read_cameras(home / "poses" / f"{row.clip_id}.safetensors", row.raw_frames)


def _geometry(row: AcceptedRow, inputs: Mapping[str, Path], cameras: ClipCameras) -> SceneGeometry:
    """Median depth and points from the first sensor depth map, where the source ships one on frame 0."""
    path = inputs["ingest"] / "annotations" / f"{row.clip_id}.safetensors"
    annotations = read_annotations(path) if path.exists() else None
    if annotations is None or annotations.sensor_depth is None or annotations.sensor_depth_frames is None:
        return SceneGeometry(None, None)
    if int(annotations.sensor_depth_frames[0]) != 0:
        return SceneGeometry(None, None)
    depth = annotations.sensor_depth[0].astype(np.float64)
    rows, columns = np.nonzero(depth > 0)
    if len(rows) == 0:
        return SceneGeometry(None, None)
    x = (columns + 0.5) * row.width / depth.shape[1] - 0.5
    y = (rows + 0.5) * row.height / depth.shape[0] - 0.5
    fx, fy, cx, cy = cameras.intrinsics[0]
    z = depth[rows, columns]
    return SceneGeometry(float(np.median(z)), np.stack([(x - cx) / fx * z, (y - cy) / fy * z, z], axis=-1))
