"""``miradata``: videos and the CSV of MiraData v1; no cameras."""

from collections.abc import Sequence
from pathlib import Path

from tasks.corpus_synth.captions import CAMERA_MOTION
from tasks.corpus_synth.defects import corrupt
from tasks.corpus_synth.kinds import Kind, Source
from tasks.corpus_synth.plan import TYPICAL_SPEED
from tasks.corpus_synth.render import RenderedClip
from tasks.corpus_synth.writers.common import Descriptor, WrittenClip, write_csv, write_sensor
from tasks.vision.video import write_video

HEADER = (
    *("clip_id", "source", "video_url", "video_id", "width", "height", "fps", "seconds", "timestamp"),
    *("frame_number", "framestamp", "file_path"),
    *(f"{part}_caption" for part in ("short", "dense", "background", "main_object", "style", "camera")),
)
DESCRIPTOR = Descriptor(
    "miradata", "Apache-2.0", "default", TYPICAL_SPEED[Source.MIRADATA], "Videos with dense captions, without cameras"
)


def write_clip(clip: RenderedClip, folder: Path) -> WrittenClip:
    """One video and its line of the table."""
    spec = clip.spec
    clip_id = f"{spec.scene_number:012d}.{spec.number % 2}"
    file_path = f"videos/{spec.scene_number:012d}/{clip_id}.mp4"
    path = folder / file_path
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, clip.frames, spec.fps, quality=14)
    write_sensor(clip, path.with_suffix(""))
    if spec.planting.kind is Kind.CORRUPT:
        corrupt(path, clip.rng(3))
    frames, seconds = len(clip.frames), len(clip.frames) / spec.fps
    row = {
        "clip_id": clip_id,
        "source": "rendered",
        "video_url": "",
        "video_id": f"scene{spec.scene_number:05d}",
        "width": str(spec.size[0]),
        "height": str(spec.size[1]),
        "fps": f"{float(spec.fps)}",
        "seconds": f"{seconds:.4f}",
        "timestamp": f"['00:00:00.000', '00:00:{seconds:06.3f}']",
        "frame_number": str(frames),
        "framestamp": f"[0, {frames}]",
        "file_path": file_path,
        "short_caption": clip.caption.split(".")[0] + ".",
        "dense_caption": clip.caption,
        "background_caption": f"The background shows {clip.scene.words[0]}.",
        "main_object_caption": f"The main object is {clip.scene.words[-1]}.",
        "style_caption": "Rendered, evenly lit, with bold textures.",
        "camera_caption": CAMERA_MOTION[spec.family.value],
    }
    return WrittenClip(spec.number, f"miradata/{file_path}", row)


def write_index(written: Sequence[WrittenClip], folder: Path) -> None:
    """``miradata_v1.csv``."""
    write_csv(folder / "miradata_v1.csv", HEADER, [clip.row for clip in written])
