"""Cutting one input to the stored clip: frames chosen by time, scaled, cut, and where each came from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Int64, UInt8

from tasks.ingest.item import ImageSequence, VideoFile
from tasks.ingest.sampling import ClipRate, Sample, longest_clip, nearest_in_time
from tasks.vision.images import CoverCrop
from tasks.vision.video import MediaError, MediaProblem, decode, to_rgb

Picture = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class CutClip:
    """The stored frames, the native frame of each, how many frames the media have (as far as read), and the fit."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    native: Int64[np.ndarray, " frames"]
    native_frames: int
    fit: CoverCrop


def cut(media: VideoFile | ImageSequence, size: tuple[int, int], rate: ClipRate, verify: float) -> CutClip:
    """Read, sample and scale.

    Args:
        media: a video or an image sequence.
        size: stored (height, width).
        rate: the clip's frame rate and allowed lengths.
        verify: seconds of media to decode at least, where there are as many.

    Raises:
        MediaError: the media are damaged, or too short.
    """
    source, open_frame = _source(media)
    counted = _Counter(source)
    pictures: list[np.ndarray] = []
    native: list[int] = []
    native_size = (0, 0)
    for sample in nearest_in_time(counted, rate, verify):
        if native and sample.native_index == native[-1]:
            pictures.append(pictures[-1])
        else:
            picture = open_frame(sample)
            native_size = native_size if native else picture.shape[:2]
            if picture.shape[:2] != native_size:
                detail = f"frame {sample.native_index} is {picture.shape[:2]}, the first {native_size}"
                raise MediaError(MediaProblem.CORRUPT, detail)
            pictures.append(CoverCrop(native_size, size).picture(picture))
        native.append(sample.native_index)
    frames = longest_clip(len(pictures), rate)
    return CutClip(
        np.stack(pictures[:frames]),
        np.array(native[:frames], dtype=np.int64),
        counted.count,
        CoverCrop(native_size, size),
    )


class _Counter:
    """Passes frames on and counts them."""

    def __init__(self, frames: Iterator[tuple[float, object]]) -> None:
        self.frames = frames
        self.count = 0

    def __iter__(self) -> Iterator[tuple[float, object]]:
        for frame in self.frames:
            self.count += 1
            yield frame


def _source(
    media: VideoFile | ImageSequence,
) -> tuple[Iterator[tuple[float, object]], Callable[[Sample], Picture]]:
    if isinstance(media, VideoFile):
        return decode(media.path), lambda sample: to_rgb(sample.frame)
    return _images(media), lambda sample: sample.frame


def _images(media: ImageSequence) -> Iterator[tuple[float, Picture]]:
    for index, path in enumerate(media.images):
        if not path.is_file():
            raise MediaError(MediaProblem.TRUNCATED, f"{path.name}, frame {index} of {len(media.images)}, is missing")
        if path.stat().st_size == 0:
            raise MediaError(MediaProblem.EMPTY, f"{path.name} has 0 bytes")
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise MediaError(MediaProblem.CORRUPT, f"{path.name} does not decode")
        yield index / media.fps, cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
