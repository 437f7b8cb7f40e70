"""DL3DV Gaussian scenes: an INRIA PLY and the training cameras of ``transforms.json``. Input of ``splat``."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt, Len
from jaxtyping import Float32, Int64

from data_contracts.plausible import FOCAL_PIXELS
from tasks.ingest.item import GaussianScene, NativeCameras, SourceFolder, SourceItem
from tasks.ingest.readers.index_file import Index, IndexRow, inside
from tasks.ingest.readers.json_file import SidecarRecord, read_json
from tasks.ingest.readers.listing import list_rows
from tasks.ingest.readers.plausibility import LensPlace, check_last_rows, check_lens, check_rotations
from tasks.ingest.readers.sensor_depth import beside

INDEX = Index("DL3DV-valid.csv", ("hash",), "hash")
PLY = "point_cloud/iteration_30000/point_cloud.ply"
OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
LENS = ("field fl_x", "field fl_y", "field cx", "field cy")
FIX = "it holds w h fl_x fl_y cx cy in pixels and frames with a 4 x 4 transform_matrix each, see docs/sources.md"
Row = Annotated[list[float], Len(4, 4)]
IDENTITY = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]


class TrainingFrame(SidecarRecord):
    """One of the ``frames``: camera to world with OpenGL camera axes."""

    transform_matrix: Annotated[list[Row], Len(4, 4)]


class Transforms(SidecarRecord):
    """``transforms.json``: one lens in pixels with centres at +0.5, and a camera a training frame."""

    w: Annotated[float, Gt(0)]
    h: Annotated[float, Gt(0)]
    fl_x: float
    fl_y: float
    cx: float
    cy: float
    frames: Annotated[list[TrainingFrame], Len(1)]
    applied_transform: Annotated[list[Row], Len(3, 3)] = IDENTITY


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
        return list_rows(folder, INDEX, self._items)

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:  # noqa: ARG002 - the protocol's
        """The training cameras in pixels of their own full size."""
        return self.training_cameras(item).cameras

    def depth(
        self,
        item: SourceItem,  # noqa: ARG002 - the protocol's, as the next
        native: Int64[np.ndarray, " frames"],  # noqa: ARG002 - as above
    ) -> Float32[np.ndarray, "frames height width"] | None:
        """None."""
        return None

    def training_cameras(self, item: SourceItem) -> TrainingCameras:
        """OpenGL axes to OpenCV, and out of the world that ``applied_transform`` rotated.

        Raises:
            SourceFaultError: ``transforms.json`` is missing, or holds other numbers than stated.
        """
        file = item.name_of(item.annotations[0])
        content = read_json(item.annotations[0], file, Transforms, FIX)
        world = np.asarray([frame.transform_matrix for frame in content.frames], dtype=np.float64)
        check_rotations(world[:, :3, :3], file, "the rotation of transform_matrix")
        check_last_rows(world, file, "the last row of transform_matrix")
        applied = np.vstack([np.asarray(content.applied_transform, dtype=np.float64), [0, 0, 0, 1]])
        check_rotations(applied[None, :3, :3], file, "the rotation of applied_transform")
        height, width = int(content.h), int(content.w)
        lens = np.array([[content.fl_x, content.fl_y, content.cx, content.cy]], dtype=np.float64)
        check_lens(lens, (width, height), FOCAL_PIXELS, LensPlace(file, LENS))
        poses = np.linalg.inv(applied) @ world @ OPENCV_FROM_OPENGL
        return TrainingCameras(NativeCameras(poses, np.tile(lens - (0, 0, 0.5, 0.5), (len(poses), 1))), height, width)

    def _items(self, folder: SourceFolder, row: IndexRow) -> list[SourceItem]:
        scene = inside(folder.root, row, "hash")
        name = row.cells["hash"]
        item = SourceItem(
            path=folder.path_of(name),
            format=folder.descriptor.format,
            media=GaussianScene(scene / PLY),
            scene=name,
            source_video=name,
            licence=row.cells.get("licence", ""),
            annotations=(scene / "transforms.json",),
            sensor_depth=beside(scene),
            root=folder.root,
        )
        return [item]
