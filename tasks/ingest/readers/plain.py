"""A folder of videos, each with an optional JSON sidecar; also a folder that knows nothing of this project."""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from pydantic import ValidationError

from data_contracts.base import Record
from data_contracts.errors import ErrorCode, InputError
from tasks.ingest.item import NativeCameras, SourceFolder, SourceItem, VideoFile
from tasks.ingest.readers.sensor_depth import beside
from tasks.vision.video import MEDIA_SUFFIXES


class PlainSidecar(Record):
    """``<name>.json`` beside ``<name>.mp4``."""

    caption: str = ""
    licence: str = ""
    scene_id: str = ""
    source_video_id: str = ""


class PlainReader:
    """Mode ``default``: pixels only."""

    def list_items(self, folder: SourceFolder) -> list[SourceItem]:
        """Every media file below the folder, hidden ones apart."""
        files = (path for path in folder.root.rglob("*") if path.suffix.lower() in MEDIA_SUFFIXES and path.is_file())
        return [self._item(folder, path) for path in sorted(files) if not _hidden(path.relative_to(folder.root))]

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:  # noqa: ARG002
        """None."""
        return NativeCameras()

    def depth(self, item: SourceItem, native_index: int) -> Float32[np.ndarray, "height width"] | None:  # noqa: ARG002
        """None."""
        return None

    def _item(self, folder: SourceFolder, path: Path) -> SourceItem:
        name = path.relative_to(folder.root).as_posix()
        sidecar = _sidecar(path.with_suffix(".json"))
        stem = name.removesuffix(path.suffix)
        return SourceItem(
            path=folder.path_of(name),
            format=folder.descriptor.format,
            media=VideoFile(path),
            scene=sidecar.scene_id or sidecar.source_video_id or stem,
            source_video=sidecar.source_video_id or stem,
            licence=sidecar.licence,
            caption=sidecar.caption,
            sensor_depth=beside(path.with_suffix("")),
        )


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)


def _sidecar(path: Path) -> PlainSidecar:
    """The sidecar's content; unknown keys are none of our business, a missing file is an empty one."""
    if not path.is_file():
        return PlainSidecar()
    try:
        content = json.loads(path.read_text("utf-8"))
        known = {key: content[key] for key in PlainSidecar.model_fields if key in content}
        return PlainSidecar.model_validate(known)
    except (ValueError, TypeError, ValidationError) as error:
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE,
            f"{path.name}: {error}",
            "a sidecar is a JSON object of strings: caption, licence, scene_id, source_video_id",
        ) from error
