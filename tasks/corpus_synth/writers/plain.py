"""``plain``: videos in a folder, some with a JSON sidecar."""

import shutil
from pathlib import Path

from tasks.corpus_synth.defects import truncate
from tasks.corpus_synth.kinds import Kind, Source
from tasks.corpus_synth.plan import TYPICAL_SPEED, ClipSpec
from tasks.corpus_synth.render import RenderedClip
from tasks.corpus_synth.writers.common import Descriptor, WrittenClip, write_json, write_sensor
from tasks.vision.video import write_video

FORBIDDEN_LICENCE = "LicenseRef-All-Rights-Reserved"
DESCRIPTOR = Descriptor("plain", "CC0-1.0", "default", TYPICAL_SPEED[Source.PLAIN], "Hand-held videos without cameras")


def name_of(number: int) -> str:
    """File name without suffix."""
    return f"clip_{number:04d}"


def write_clip(clip: RenderedClip, folder: Path) -> WrittenClip:
    """One video, its sidecar, its sensor depth."""
    stem = folder / name_of(clip.spec.number)
    write_video(stem.with_suffix(".mp4"), clip.frames, clip.spec.fps, quality=14)
    write_sensor(clip, stem)
    sidecar = {"scene_id": f"house-{clip.spec.scene_number:03d}"}
    if clip.spec.number % 3 != 1:
        sidecar["caption"] = clip.caption
    if clip.spec.planting.kind is Kind.LICENCE:
        sidecar["licence"] = FORBIDDEN_LICENCE
    write_json(stem.with_suffix(".json"), sidecar)
    if clip.spec.planting.kind is Kind.TRUNCATED:
        truncate(stem.with_suffix(".mp4"))
    return WrittenClip(clip.spec.number, f"plain/{stem.name}.mp4")


def write_copy(spec: ClipSpec, folder: Path) -> WrittenClip:
    """The same bytes under another name."""
    for suffix in (".mp4", ".json", ".sensor_depth.npz"):
        original = folder / f"{name_of(spec.copy_of)}{suffix}"
        if original.exists():
            shutil.copyfile(original, folder / f"{name_of(spec.number)}{suffix}")
    return WrittenClip(spec.number, f"plain/{name_of(spec.number)}.mp4")
