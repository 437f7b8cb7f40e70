"""From what a source ships beside native frames to what belongs to the frames of the stored clip."""

import numpy as np

from data_contracts.annotations import SourceAnnotations
from data_contracts.source_fault import FaultRule
from tasks.ingest.fault import SourceFault
from tasks.ingest.item import ImageSequence, NativeCameras, SourceItem
from tasks.ingest.readers.protocol import SourceReader
from tasks.ingest.readers.sensor_depth import read_sensor_depth
from tasks.vision.images import CoverCrop

Arrays = tuple[np.ndarray | None, np.ndarray | None]


def annotate(
    reader: SourceReader, item: SourceItem, fit: CoverCrop, native: np.ndarray, native_frames: int, depth_stride: int
) -> SourceAnnotations:
    """The annotations of one clip.

    Args:
        reader: reader of the item's format.
        item: the listed input.
        fit: from the native to the stored size.
        native: native frame of each clip frame, int64, F.
        native_frames: frames of the media.
        depth_stride: every how many clip frames dense depth is kept.

    Raises:
        SourceFaultError: an annotation file cannot be read, or is in another unit.
    """
    cameras = reader.cameras(item, fit.native)
    poses, intrinsics, rows = _matched(cameras, native, native_frames)
    depth, depth_frames = _depth(reader, item, fit, native[::depth_stride])
    sensor, sensor_frames = _sensor_depth(item, fit, native)
    wrong = _nonfinite(cameras.camera_to_world)
    return SourceAnnotations(
        camera_to_world=poses,
        intrinsics=None if intrinsics is None else fit.intrinsics(intrinsics),
        depth=depth,
        depth_frames=None if depth_frames is None else depth_frames * depth_stride,
        sensor_depth=sensor,
        sensor_depth_frames=sensor_frames,
        pose_rows=rows,
        native_frames=native_frames,
        nonfinite_pose_rows=int(wrong.sum()),
        nonfinite_first_row=int(wrong.argmax()) if wrong.any() else -1,
    )


def pose_fault(item: SourceItem, annotations: SourceAnnotations) -> SourceFault | None:
    """What the screen will reject the clip for: poses that are not finite, or not one a frame; None = neither."""
    if annotations.nonfinite_pose_rows:
        field = f"pose of frame {annotations.nonfinite_first_row}"
        found, fix = f"NaN or infinity, in {annotations.nonfinite_pose_rows} rows", "estimate these poses again"
        return SourceFault(FaultRule.NOT_FINITE, _pose_file(item), field, found, "finite numbers", fix)
    if annotations.pose_rows not in (-1, annotations.native_frames):
        found, expected = f"{annotations.pose_rows} rows", f"{annotations.native_frames}, one a frame of the media"
        return SourceFault(FaultRule.SIDECAR, _pose_file(item), "poses", found, expected, "write one pose a frame")
    return None


def _pose_file(item: SourceItem) -> str:
    return item.name_of(item.annotations[0])


def _matched(
    cameras: NativeCameras, native: np.ndarray, native_frames: int
) -> tuple[np.ndarray | None, np.ndarray | None, int]:
    """Poses and intrinsics of the clip's frames; no poses where the source's rows cannot be told to frames."""
    poses, intrinsics = cameras.camera_to_world, cameras.intrinsics
    rows = -1 if poses is None else len(poses)
    if intrinsics is not None:
        intrinsics = intrinsics[np.minimum(native, len(intrinsics) - 1)] if len(intrinsics) else None
    return (None if poses is None or rows != native_frames else poses[native]), intrinsics, rows


def _nonfinite(poses: np.ndarray | None) -> np.ndarray:
    """Which native rows hold a NaN or an infinity."""
    return np.zeros(0, dtype=bool) if poses is None else np.logical_not(np.isfinite(poses).all(axis=(1, 2)))


def _depth(reader: SourceReader, item: SourceItem, fit: CoverCrop, native: np.ndarray) -> Arrays:
    maps = reader.depth(item, native)
    if maps is None:
        return None, None
    return np.stack([fit.depth(depth) for depth in maps]), np.arange(len(maps), dtype=np.int64)


def _sensor_depth(item: SourceItem, fit: CoverCrop, native: np.ndarray) -> Arrays:
    """The maps taken with a native frame that is in the clip."""
    if item.sensor_depth is None:
        return None, None
    sensor = read_sensor_depth(item.sensor_depth, item.name_of(item.sensor_depth))
    numbers = np.asarray(item.media.numbers)[native] if isinstance(item.media, ImageSequence) else native
    place = {int(number): frame for frame, number in reversed(list(enumerate(numbers)))}
    kept = [(place[int(number)], row) for row, number in enumerate(sensor.frames) if int(number) in place]
    if not kept:
        return None, None
    maps = np.stack([fit.sensor_depth(sensor.depth[row]) for _, row in kept])
    return maps, np.array([frame for frame, _ in kept], dtype=np.int64)
