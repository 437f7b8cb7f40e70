"""The per-input job of ``ingest``: one listed input to its files and the facts of its row."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_contracts.annotations import write_annotations
from data_contracts.clip import ClipStatus
from infra.stage import digest_file
from tasks.ingest.annotate import annotate, pose_fault
from tasks.ingest.config import IngestConfig
from tasks.ingest.fault import SourceFaultError
from tasks.ingest.frames import cut
from tasks.ingest.identity import clip_id
from tasks.ingest.item import GaussianScene, ImageSequence, SourceItem, VideoFile
from tasks.ingest.sampling import ClipRate
from tasks.ingest.scenes import store_scene
from tasks.ingest.sources import reader_of
from tasks.vision.video import MediaError, MediaProblem, write_video


@dataclass(frozen=True)
class IngestWork:
    """A listed input, the digest of its media bytes ("" = media missing) and the stage's configuration."""

    item: SourceItem
    media_digest: str
    config: IngestConfig


def ingest_item(work: IngestWork, directory: Path) -> dict[str, Any]:  # fields of ClipRow
    """Write the clip's files below ``directory``; a damaged input becomes a quarantined row, never an exception."""
    try:
        if work.item.fault is not None:
            raise SourceFaultError(work.item.fault)
        if not work.media_digest:
            raise MediaError(MediaProblem.EMPTY, "listed by the source, but not there")
        if isinstance(work.item.media, GaussianScene):
            return store_scene(work.item, work.media_digest, directory)
        return _store_clip(work, directory)
    except MediaError as error:
        return {"status": ClipStatus.QUARANTINED, "reasons": [error.problem.value], "detail": error.detail}
    except SourceFaultError as error:
        return {"status": ClipStatus.QUARANTINED, "reasons": [error.fault.rule.value], "detail": str(error.fault)}


def _store_clip(work: IngestWork, directory: Path) -> dict[str, Any]:  # fields of ClipRow
    item, config = work.item, work.config
    if not isinstance(item.media, VideoFile | ImageSequence):
        raise TypeError("only frames are cut into a clip")
    rate = ClipRate(config.fps, config.minimum_frames, config.maximum_frames)
    clip = cut(item.media, (config.height, config.width), rate, config.verify_seconds)
    annotations = annotate(reader_of(item.format), item, clip.fit, clip.native, clip.native_frames, config.depth_stride)
    first, last = int(clip.native[0]), int(clip.native[-1])
    name = clip_id(work.media_digest, (first, last), (config.fps, len(clip.frames)))
    media = directory / "media" / f"{name}.mp4"
    media.parent.mkdir()
    write_video(media, clip.frames, config.fps, config.quality)
    if not annotations.is_empty:
        write_annotations(directory / "annotations" / f"{name}.safetensors", annotations)
    return {
        "clip_id": name,
        "media_digest": digest_file(media),
        "start_frame": first,
        "raw_frames": len(clip.frames),
        "fps": config.fps,
        "height": config.height,
        "width": config.width,
        "detail": str(pose_fault(item, annotations) or ""),
    }
