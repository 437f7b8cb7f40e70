"""DL3DV Gaussian scenes: an INRIA PLY and the training cameras of ``transforms.json``. Input of ``splat``."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from tasks.ingest.item import GaussianScene, NativeCameras, SourceFolder, SourceItem
from tasks.ingest.readers.index_file import inside, read_rows
from tasks.ingest.readers.sensor_depth import beside
from tasks.vision.video import MediaError, MediaProblem

INDEX = "DL3DV-valid.csv"
PLY = "point_cloud/iteration_30000/point_cloud.ply"
OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True)
class TrainingCameras:
    """The cameras a scene was fitted from, OpenCV, in the PLY's own world, and the size their pixels speak of."""

    cameras: NativeCameras
    height: int
    width: int


class Dl3dvReader:
    """A scene is not a clip: clips are rendered from it."""

    def list_items(self, folder: SourceFolder) -> list[SourceItem]:
        """One scene a row, in the index's order."""
        rows = read_rows(folder.root / INDEX, ("hash",))
        return [self._item(folder, row) for row in rows]

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:  # noqa: ARG002
        """The training cameras in pixels of their own full size."""
        return self.training_cameras(item).cameras

    def depth(self, item: SourceItem, native_index: int) -> Float32[np.ndarray, "height width"] | None:  # noqa: ARG002
        """None."""
        return None

    def training_cameras(self, item: SourceItem) -> TrainingCameras:
        """OpenGL axes to OpenCV, and out of the world that ``applied_transform`` rotated.

        Raises:
            MediaError: ``transforms.json`` is missing or does not hold cameras.
        """
        if not item.annotations:
            raise MediaError(MediaProblem.CORRUPT, "transforms.json is missing")
        try:
            content = json.loads(item.annotations[0].read_text("utf-8"))
            world = np.asarray([frame["transform_matrix"] for frame in content["frames"]], dtype=np.float64)
            applied = np.vstack([np.asarray(content.get("applied_transform", np.eye(4)[:3])), [0, 0, 0, 1]])
            row = [content["fl_x"], content["fl_y"], content["cx"] - 0.5, content["cy"] - 0.5]
            poses = np.linalg.inv(applied) @ world @ OPENCV_FROM_OPENGL
            intrinsics = np.tile(np.asarray(row, dtype=np.float64), (len(poses), 1))
            return TrainingCameras(NativeCameras(poses, intrinsics), int(content["h"]), int(content["w"]))
        except (KeyError, TypeError, ValueError, np.linalg.LinAlgError) as error:
            raise MediaError(MediaProblem.CORRUPT, f"transforms.json: {error}") from error

    def _item(self, folder: SourceFolder, row: dict[str, str]) -> SourceItem:
        scene: Path = inside(folder.root, row["hash"], INDEX)
        cameras = scene / "transforms.json"
        return SourceItem(
            path=folder.path_of(row["hash"]),
            format=folder.descriptor.format,
            media=GaussianScene(scene / PLY),
            scene=row["hash"],
            source_video=row["hash"],
            licence=row.get("licence", ""),
            annotations=(cameras,) if cameras.is_file() else (),
            sensor_depth=beside(scene),
        )
