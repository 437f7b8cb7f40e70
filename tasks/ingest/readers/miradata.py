"""MiraData v1: a CSV of clips with captions, and the videos. No poses: mode ``default``."""

import numpy as np
from jaxtyping import Float32

from tasks.ingest.item import NativeCameras, SourceFolder, SourceItem, VideoFile
from tasks.ingest.readers.index_file import inside, read_rows
from tasks.ingest.readers.sensor_depth import beside

INDEX = "miradata_v1.csv"


class MiraDataReader:
    """``dense_caption`` is the source's caption; ``camera_caption`` describes camera motion by design, so never is."""

    def list_items(self, folder: SourceFolder) -> list[SourceItem]:
        """One input a row, in the index's order."""
        rows = read_rows(folder.root / INDEX, ("clip_id", "video_id", "file_path", "dense_caption"))
        return [self._item(folder, row) for row in rows]

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:  # noqa: ARG002
        """None."""
        return NativeCameras()

    def depth(self, item: SourceItem, native_index: int) -> Float32[np.ndarray, "height width"] | None:  # noqa: ARG002
        """None."""
        return None

    def _item(self, folder: SourceFolder, row: dict[str, str]) -> SourceItem:
        media = inside(folder.root, row["file_path"], INDEX)
        return SourceItem(
            path=folder.path_of(row["file_path"]),
            format=folder.descriptor.format,
            media=VideoFile(media),
            scene=row["video_id"] or row["clip_id"],
            source_video=row["video_id"] or row["clip_id"],
            licence=row.get("licence", ""),
            caption=row["dense_caption"],
            sensor_depth=beside(media.with_suffix("")),
        )
