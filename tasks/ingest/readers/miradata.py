"""MiraData v1: a CSV of clips with captions, and the videos. No poses: mode ``default``."""

import numpy as np
from jaxtyping import Float32, Int64

from data_contracts.plausible import DURATION_RATIO, FRAME_RATE, TIME
from data_contracts.source_fault import FaultRule
from tasks.ingest.fault import told
from tasks.ingest.item import NativeCameras, SourceFolder, SourceItem, VideoFile
from tasks.ingest.readers.index_file import Index, IndexRow, inside
from tasks.ingest.readers.listing import list_rows
from tasks.ingest.readers.sensor_depth import beside

INDEX = Index("miradata_v1.csv", ("clip_id", "video_id", "file_path", "dense_caption"), "file_path")
TIMES = ("frame_number", "fps", "seconds")


class MiraDataReader:
    """``dense_caption`` is the source's caption; ``camera_caption`` describes camera motion by design, so never is."""

    def list_items(self, folder: SourceFolder) -> list[SourceItem]:
        """One input a row, in the index's order."""
        return list_rows(folder, INDEX, self._items)

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

    def _items(self, folder: SourceFolder, row: IndexRow) -> list[SourceItem]:
        media = inside(folder.root, row, "file_path")
        _check_times(row)
        cells = row.cells
        item = SourceItem(
            path=folder.path_of(cells["file_path"]),
            format=folder.descriptor.format,
            media=VideoFile(media),
            scene=cells["video_id"] or cells["clip_id"],
            source_video=cells["video_id"] or cells["clip_id"],
            licence=cells.get("licence", ""),
            caption=cells["dense_caption"],
            sensor_depth=beside(media.with_suffix("")),
            root=folder.root,
        )
        return [item]


def _check_times(row: IndexRow) -> None:
    """What the row says of its timing must be in the stated units and agree with itself; it may say nothing.

    Raises:
        SourceFaultError: it does not.
    """
    if row.cells.get("fps", ""):
        row.number("fps", FRAME_RATE)
    if all(row.cells.get(name, "") for name in TIMES):
        frames, fps, seconds = (row.number(name, TIME) for name in TIMES)
        if not DURATION_RATIO.holds(seconds * fps / max(frames, 1)):
            expected = f"{frames / fps:g} s, {frames:g} frames at {fps:g} a second, within 10%"
            raise row.wrong("seconds", told(seconds), expected, DURATION_RATIO.fix, FaultRule.UNIT)
