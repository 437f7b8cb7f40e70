"""A folder of videos, each with an optional JSON sidecar; also a folder that knows nothing of this project."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from tasks.ingest.fault import SourceFault, SourceFaultError
from tasks.ingest.item import NativeCameras, SourceFolder, SourceItem, VideoFile
from tasks.ingest.readers.json_file import SidecarRecord, read_json
from tasks.ingest.readers.sensor_depth import beside
from tasks.vision.video import MEDIA_SUFFIXES

FIX = "a sidecar is a JSON object of texts: caption, licence, scene_id, source_video_id"


class PlainSidecar(SidecarRecord):
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

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:  # noqa: ARG002 - the protocol's
        """None."""
        return NativeCameras()

    def depth(
        self,
        item: SourceItem,  # noqa: ARG002 - the protocol's, as the next
        native: Int64[np.ndarray, " frames"],  # noqa: ARG002 - as above
    ) -> Float32[np.ndarray, "frames height width"] | None:
        """None."""
        return None

    def _item(self, folder: SourceFolder, path: Path) -> SourceItem:
        name = path.relative_to(folder.root).as_posix()
        sidecar, fault = _sidecar(folder, path.with_suffix(".json"))
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
            root=folder.root,
            fault=fault,
        )


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)


def _sidecar(folder: SourceFolder, path: Path) -> tuple[PlainSidecar, SourceFault | None]:
    """The sidecar's content, or an empty one with its fault; unknown keys are none of our business."""
    if not path.is_file():
        return PlainSidecar(), None
    try:
        return read_json(path, path.relative_to(folder.root).as_posix(), PlainSidecar, FIX), None
    except SourceFaultError as error:
        return PlainSidecar(), error.fault
