"""Sekai game captures: a CSV, and pairs of video and NPZ with a pose a frame of unknown scale: mode ``gt_pose``."""

import re

import numpy as np
from jaxtyping import Float32, Int64

from data_contracts.plausible import FOCAL_NORMALIZED
from tasks.ingest.item import NativeCameras, SourceFolder, SourceItem, VideoFile
from tasks.ingest.readers.arrays import check_kind, check_shape, load_arrays
from tasks.ingest.readers.index_file import Index, IndexRow, inside
from tasks.ingest.readers.listing import list_rows
from tasks.ingest.readers.plausibility import LensPlace, check_last_rows, check_lens, check_rotations
from tasks.ingest.readers.sensor_depth import beside

INDEX = Index("sekai-game.csv", ("videoFile", "cameraFile", "caption"), "videoFile")
FIX = "write float64 matrices: extrinsic N 4 4, intrinsic N 3 3"
MATRIX = ("intrinsic[0, 0]", "intrinsic[1, 1]", "intrinsic[0, 2]", "intrinsic[1, 2]")
FRAME_RANGE = re.compile(r"_\d{7}_\d{7}$")


class SekaiGameReader:
    """``extrinsic``: camera to world, OpenCV. ``intrinsic``: rows divided by W and H, pixel centres at +0.5."""

    def list_items(self, folder: SourceFolder) -> list[SourceItem]:
        """One input a row, in the index's order."""
        return list_rows(folder, INDEX, self._items)

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:
        """Poses and, where they are there, intrinsics in pixels; none where the row names no NPZ.

        Raises:
            SourceFaultError: the NPZ cannot be read, or holds other numbers than stated.
        """
        if not item.annotations:
            return NativeCameras()
        file = item.name_of(item.annotations[0])
        arrays = load_arrays(item.annotations[0], file, ("extrinsic",), ("intrinsic",))
        poses = _poses(arrays["extrinsic"], file)
        intrinsics = _intrinsics(arrays["intrinsic"], len(poses), size, file) if "intrinsic" in arrays else None
        return NativeCameras(poses, intrinsics)

    def depth(
        self,
        item: SourceItem,  # noqa: ARG002 - the protocol's, as the next
        native: Int64[np.ndarray, " frames"],  # noqa: ARG002 - as above
    ) -> Float32[np.ndarray, "frames height width"] | None:
        """None."""
        return None

    def _items(self, folder: SourceFolder, row: IndexRow) -> list[SourceItem]:
        media = inside(folder.root, row, "videoFile")
        cells = row.cells
        video = FRAME_RANGE.sub("", media.stem)
        item = SourceItem(
            path=folder.path_of(cells["videoFile"]),
            format=folder.descriptor.format,
            media=VideoFile(media),
            scene=video,
            source_video=video,
            licence=cells.get("licence", ""),
            caption=cells["caption"],
            annotations=(inside(folder.root, row, "cameraFile"),) if cells["cameraFile"] else (),
            sensor_depth=beside(media.with_suffix("")),
            root=folder.root,
        )
        return [item]


def _poses(stored: np.ndarray, file: str) -> np.ndarray:
    """Camera to world, N 4 4; the last row may be left out."""
    check_kind(stored, "f", file, "extrinsic", FIX)
    check_shape(stored, (None, 3 if stored.shape[1:2] == (3,) else 4, 4), file, "extrinsic")
    bottom = np.broadcast_to([[[0.0, 0.0, 0.0, 1.0]]], (len(stored), 1, 4))
    poses = np.concatenate([stored[:, :3].astype(np.float64), bottom], axis=1)
    check_rotations(poses[:, :3, :3], file, "the rotation of extrinsic")
    check_last_rows(stored, file, "the last row of extrinsic")
    return poses


def _intrinsics(stored: np.ndarray, rows: int, size: tuple[int, int], file: str) -> np.ndarray:
    """``fx fy cx cy`` in pixels of ``size`` (height, width); one matrix for all frames is read too."""
    check_kind(stored, "f", file, "intrinsic", FIX)
    check_shape(stored, (3, 3) if stored.ndim == 2 else (rows, 3, 3), file, "intrinsic")
    k = np.broadcast_to(stored.astype(np.float64), (rows, 3, 3))
    lens = np.stack([k[:, 0, 0], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2]], axis=1)
    check_lens(lens, (1, 1), FOCAL_NORMALIZED, LensPlace(file, MATRIX))
    height, width = size
    return lens * (width, height, width, height) - (0, 0, 0.5, 0.5)
