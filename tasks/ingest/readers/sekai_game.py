"""Sekai game captures: a CSV, and pairs of video and NPZ with a pose a frame of unknown scale: mode ``gt_pose``."""

import re

import numpy as np
from jaxtyping import Float32

from tasks.ingest.item import NativeCameras, SourceFolder, SourceItem, VideoFile
from tasks.ingest.readers.arrays import load_arrays
from tasks.ingest.readers.index_file import inside, read_rows
from tasks.ingest.readers.sensor_depth import beside
from tasks.vision.video import MediaError, MediaProblem

INDEX = "sekai-game.csv"
FRAME_RANGE = re.compile(r"_\d{7}_\d{7}$")


class SekaiGameReader:
    """``extrinsic``: camera to world, OpenCV. ``intrinsic``: rows divided by W and H, pixel centres at +0.5."""

    def list_items(self, folder: SourceFolder) -> list[SourceItem]:
        """One input a row, in the index's order."""
        rows = read_rows(folder.root / INDEX, ("videoFile", "cameraFile", "caption"))
        return [self._item(folder, row) for row in rows]

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:
        """Poses and, where they are there, intrinsics in pixels; none where the NPZ is missing."""
        if not item.annotations:
            return NativeCameras()
        arrays = load_arrays(item.annotations[0], ("extrinsic",))
        poses = np.asarray(arrays["extrinsic"], dtype=np.float64)
        if poses.ndim != 3 or poses.shape[1] not in (3, 4) or poses.shape[2] != 4:
            raise MediaError(MediaProblem.CORRUPT, f"extrinsic has shape {poses.shape}, expected N 4 4")
        bottom = np.broadcast_to([[[0.0, 0.0, 0.0, 1.0]]], (len(poses), 1, 4))
        poses = np.concatenate([poses[:, :3], bottom], axis=1)
        return NativeCameras(poses, self._intrinsics(arrays.get("intrinsic"), len(poses), size))

    def depth(self, item: SourceItem, native_index: int) -> Float32[np.ndarray, "height width"] | None:  # noqa: ARG002
        """None."""
        return None

    def _item(self, folder: SourceFolder, row: dict[str, str]) -> SourceItem:
        media = inside(folder.root, row["videoFile"], INDEX)
        camera = inside(folder.root, row["cameraFile"], INDEX) if row["cameraFile"] else None
        video = FRAME_RANGE.sub("", media.stem)
        return SourceItem(
            path=folder.path_of(row["videoFile"]),
            format=folder.descriptor.format,
            media=VideoFile(media),
            scene=video,
            source_video=video,
            licence=row.get("licence", ""),
            caption=row["caption"],
            annotations=(camera,) if camera is not None and camera.is_file() else (),
            sensor_depth=beside(media.with_suffix("")),
        )

    def _intrinsics(self, matrices: np.ndarray | None, rows: int, size: tuple[int, int]) -> np.ndarray | None:
        """``fx fy cx cy`` in pixels; one matrix for all frames is read too."""
        if matrices is None:
            return None
        if matrices.ndim not in (2, 3) or matrices.shape[-2:] != (3, 3):
            raise MediaError(MediaProblem.CORRUPT, f"intrinsic has shape {matrices.shape}, expected N 3 3")
        k = np.broadcast_to(matrices.astype(np.float64), (rows, 3, 3)) if matrices.ndim == 2 else matrices
        height, width = size
        columns = [width * k[:, 0, 0], height * k[:, 1, 1], width * k[:, 0, 2] - 0.5, height * k[:, 1, 2] - 0.5]
        return np.stack(columns, axis=1).astype(np.float64)
