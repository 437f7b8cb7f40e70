"""What a clip is called and on which side of the split it falls: digests of bytes and names, never of paths."""

import hashlib
from pathlib import Path

from infra.stage import digest_file, digest_json
from tasks.ingest.config import IngestConfig
from tasks.ingest.item import ImageSequence, Media, SourceItem

ID_LENGTH = 16


def media_digest(item: SourceItem) -> str:
    """SHA-256 of the media bytes; of a sequence, of its files' digests in order; "" where a file is missing."""
    if not item.media_files or not all(path.is_file() for path in item.media_files):
        return ""
    digests = [digest_file(path) for path in item.media_files]
    return digests[0] if len(digests) == 1 else digest_json(digests)


def annotation_digest(item: SourceItem) -> str:
    """One digest of every annotation file; "" where the source ships none."""
    files = [path for path in annotation_files(item) if path.is_file()]
    return digest_json([digest_file(path) for path in files]) if files else ""


def annotation_files(item: SourceItem) -> list[Path]:
    """The files the annotations are read from, sensor depth last; a listed one need not be there."""
    return [*item.annotations, *([item.sensor_depth] if item.sensor_depth else [])]


def clip_id(media: str, native_frames: tuple[int, int], rate: tuple[float, int]) -> str:
    """The clip's identity: digest of the media bytes and of the frame range that was cut from them.

    Args:
        media: digest of the media bytes.
        native_frames: first and last native frame of the clip.
        rate: the clip's frames per second and its number of frames.
    """
    return digest_json({"media": media, "range": native_frames, "rate": rate})[:ID_LENGTH]


def timing_of(media: Media) -> dict[str, object]:
    """What decides a sequence's frames besides the files' bytes."""
    return {"fps": media.fps, "numbers": media.numbers} if isinstance(media, ImageSequence) else {}


def split_of(scene_id: str, config: IngestConfig) -> str:
    """``train``, ``val`` or ``benchmark``, by a hash of the scene, so that all its clips fall on one side."""
    percent = int(hashlib.sha256(scene_id.encode()).hexdigest()[:8], 16) % 10_000 / 100
    if percent < config.benchmark_percent:
        return "benchmark"
    return "val" if percent < config.benchmark_percent + config.val_percent else "train"
