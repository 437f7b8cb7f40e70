"""The per-clip work of ``splat``: render a path, discard it when it is near blank, restore, store."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from infra.stage import digest_file
from model.geometry.se3 import relative_to_first
from tasks.splat.config import SplatConfig
from tasks.splat.restore import restore
from tasks.vision.gaussian_lod import simplify
from tasks.vision.gaussians import Gaussians, read_gaussian_ply
from tasks.vision.poses import ClipCameras, write_cameras
from tasks.vision.projection import Camera
from tasks.vision.rasterizer import render
from tasks.vision.threads import single_torch_thread
from tasks.vision.video import write_video

ID_LENGTH = 16
_COVERED = 0.5  # coverage from which a pixel counts as covered
_BLACK = 16  # gray level below which a pixel counts as black


@dataclass(frozen=True)
class ClipItem:
    """A path to render through one scene."""

    ply: Path
    metres_per_unit: float
    camera_to_world: Float[np.ndarray, "frames 4 4"]
    intrinsics: Float[np.ndarray, "4"]
    config: SplatConfig


def render_clip(item: ClipItem, directory: Path) -> dict[str, Any]:  # numbers and strings
    """Write media, cameras and thumbnail of one clip, or nothing when too many frames are near blank.

    Returns:
        ``near_blank`` (share of frames) always; ``clip_id``, ``media_digest``, ``pose_digest`` and
        ``first_frame_black`` (share of pixels) when the clip was stored.
    """
    with single_torch_thread():
        gaussians = read_gaussian_ply(item.ply).scaled(item.metres_per_unit)
        if item.config.maximum_gaussians:
            gaussians = simplify(gaussians, item.config.maximum_gaussians)
        frames, covered = _render(gaussians, item)
    near_blank = float(np.mean(covered < item.config.blank_cover))
    if near_blank > item.config.near_blank_maximum:
        return {"near_blank": near_blank}
    return {"near_blank": near_blank, **_store(frames, item, directory)}


def _render(
    gaussians: Gaussians, item: ClipItem
) -> tuple[UInt8[np.ndarray, "frames height width 3"], Float[np.ndarray, "frames"]]:
    """Restored frames, and the share of covered pixels of each before restoring."""
    frames, covered = [], []
    intrinsics = torch.from_numpy(item.intrinsics)
    for pose in item.camera_to_world:
        camera = Camera.at(torch.from_numpy(pose), intrinsics, item.config.height, item.config.width)
        picture = render(gaussians, camera)
        covered.append(float((picture.alpha >= _COVERED).float().mean()))
        frames.append(restore(picture.color.numpy(), picture.alpha.numpy(), item.config.restore_strength))
    return np.stack(frames), np.array(covered)


def _store(
    frames: UInt8[np.ndarray, "frames height width 3"], item: ClipItem, directory: Path
) -> dict[str, str | float]:
    for folder in ("media", "poses", "thumbnails"):
        (directory / folder).mkdir()
    draft = directory / "media" / "clip.mp4"
    write_video(draft, frames, item.config.fps, item.config.quality)
    media_digest = digest_file(draft)
    clip_id = media_digest[:ID_LENGTH]
    draft.rename(directory / "media" / f"{clip_id}.mp4")
    poses = directory / "poses" / f"{clip_id}.safetensors"
    intrinsics = np.tile(item.intrinsics, (len(frames), 1))
    write_cameras(poses, ClipCameras(relative_to_first(item.camera_to_world), intrinsics))
    middle = cv2.cvtColor(frames[len(frames) // 2], cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(directory / "thumbnails" / f"{clip_id}.jpg"), middle)
    return {
        "clip_id": clip_id,
        "media_digest": media_digest,
        "pose_digest": digest_file(poses),
        "first_frame_black": float(np.mean(cv2.cvtColor(frames[0], cv2.COLOR_RGB2GRAY) < _BLACK)),
    }
