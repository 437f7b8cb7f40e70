"""From what a source ships beside native frames to what belongs to the frames of the stored clip."""

import numpy as np

from data_contracts.annotations import SourceAnnotations
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
        MediaError: an annotation file cannot be read.
    """
    cameras = reader.cameras(item, fit.native)
    poses, intrinsics, rows = _matched(cameras, native, native_frames)
    depth, depth_frames = _depth(reader, item, fit, native[::depth_stride])
    sensor, sensor_frames = _sensor_depth(item, fit, native)
    return SourceAnnotations(
        camera_to_world=poses,
        intrinsics=None if intrinsics is None else fit.intrinsics(intrinsics),
        depth=depth,
        depth_frames=None if depth_frames is None else depth_frames * depth_stride,
        sensor_depth=sensor,
        sensor_depth_frames=sensor_frames,
        pose_rows=rows,
        native_frames=native_frames,
        nonfinite_pose_rows=_nonfinite(cameras),
    )


def _matched(
    cameras: NativeCameras, native: np.ndarray, native_frames: int
) -> tuple[np.ndarray | None, np.ndarray | None, int]:
    """Poses and intrinsics of the clip's frames; no poses where the source's rows cannot be told to frames."""
    poses, intrinsics = cameras.camera_to_world, cameras.intrinsics
    rows = -1 if poses is None else len(poses)
    if intrinsics is not None:
        intrinsics = intrinsics[np.minimum(native, len(intrinsics) - 1)] if len(intrinsics) else None
    return (None if poses is None or rows != native_frames else poses[native]), intrinsics, rows


def _nonfinite(cameras: NativeCameras) -> int:
    present = [array for array in (cameras.camera_to_world, cameras.intrinsics) if array is not None]
    return int(sum(np.count_nonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1)) for array in present))


def _depth(reader: SourceReader, item: SourceItem, fit: CoverCrop, native: np.ndarray) -> Arrays:
    maps = [reader.depth(item, int(index)) for index in native]
    present = [depth for depth in maps if depth is not None]
    if len(present) != len(maps):
        return None, None
    return np.stack([fit.depth(depth) for depth in present]), np.arange(len(present), dtype=np.int64)


def _sensor_depth(item: SourceItem, fit: CoverCrop, native: np.ndarray) -> Arrays:
    """The maps taken with a native frame that is in the clip."""
    if item.sensor_depth is None:
        return None, None
    sensor = read_sensor_depth(item.sensor_depth)
    numbers = np.asarray(item.media.numbers)[native] if isinstance(item.media, ImageSequence) else native
    place = {int(number): frame for frame, number in reversed(list(enumerate(numbers)))}
    kept = [(place[int(number)], row) for row, number in enumerate(sensor.frames) if int(number) in place]
    if not kept:
        return None, None
    maps = np.stack([fit.sensor_depth(sensor.depth[row]) for _, row in kept])
    return maps, np.array([frame for frame, _ in kept], dtype=np.int64)
