"""A few accepted clips on disk, as ``ingest``, ``pose``, ``splat`` and ``filter`` leave them, for stage tests."""

import hashlib
from pathlib import Path

import numpy as np
from synthetic_latents import grating_video, sideways_path

from data_contracts.clip import AcceptedRow
from infra.stage import digest_file
from model.codecs.pixels import frames_from_video
from tasks.vision.poses import ClipCameras, write_cameras
from tasks.vision.tables import write_table
from tasks.vision.video import write_video


def write_accepted_corpus(
    root: Path,
    clips: int = 4,
    raw_frames: int = 17,
    height: int = 64,
    width: int = 96,
    captions: tuple[str, ...] = ("",),
) -> dict[str, Path]:
    """Write the artifacts under ``root`` and return the inputs of a stage; the last clip is a rendered one."""
    inputs = {name: root / name for name in ("ingest", "pose", "splat", "filter_accepted", "caption")}
    for name in ("ingest", "splat"):
        (inputs[name] / "media").mkdir(parents=True)
    for name in ("pose", "splat"):
        (inputs[name] / "poses").mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(clips):
        origin = "splat" if index == clips - 1 else "ingest"
        clip_id = hashlib.sha256(f"clip {index}".encode()).hexdigest()[:32]
        media = inputs[origin] / "media" / f"{clip_id}.mp4"
        write_video(media, frames_from_video(grating_video(index, raw_frames, height, width)), 16, 12)
        poses = inputs["splat" if origin == "splat" else "pose"] / "poses" / f"{clip_id}.safetensors"
        intrinsics = np.tile([80.0, 80.0, 47.5, 31.5], (raw_frames, 1))
        write_cameras(poses, ClipCameras(sideways_path(raw_frames, 0.1 * index).numpy(), intrinsics))
        rows.append(
            AcceptedRow(
                clip_id=clip_id,
                origin=origin,
                source="plain",
                scene_id=f"scene-{index}",
                source_video_id=f"video-{index}",
                split="val" if index == 1 else "train",
                licence="CC0-1.0",
                raw_frames=raw_frames,
                fps=16,
                height=height,
                width=width,
                media_digest=digest_file(media),
                pose_digest=digest_file(poses),
                source_caption=captions[index % len(captions)],
            )
        )
    write_table(inputs["filter_accepted"] / "accepted.parquet", sorted(rows, key=lambda row: row.clip_id), AcceptedRow)
    return inputs
