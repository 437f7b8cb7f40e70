"""Which native frames make a clip: nearest in time to the clip's frames, the longest 8k+1 that fit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from tasks.vision.video import MediaError, MediaProblem

Frame = TypeVar("Frame")
SLACK = 1e-3  # seconds; container clocks round to milliseconds


@dataclass(frozen=True)
class Sample(Generic[Frame]):
    """One frame of the clip: the native frame's index and time (seconds from the first), and the frame."""

    native_index: int
    time: float
    frame: Frame


@dataclass(frozen=True)
class ClipRate:
    """The clip's frame rate and the allowed frame counts, both of the form 8k+1."""

    fps: float
    minimum_frames: int
    maximum_frames: int


def nearest_in_time(frames: Iterable[tuple[float, Frame]], rate: ClipRate, verify: float) -> Iterator[Sample[Frame]]:
    """Yield the native frame nearest to each clip frame i / fps, of two equally near ones the earlier.

    ``frames`` is read on to ``verify`` seconds after the clip is full, so that damage behind the cut is found too.
    """
    wanted = 0
    earlier: Sample[Frame] | None = None
    for index, (time, frame) in enumerate(frames):
        current = Sample(index, time, frame)
        while wanted < rate.maximum_frames and time >= wanted / rate.fps - SLACK:
            yield _nearer(earlier, current, wanted / rate.fps)
            wanted += 1
        earlier = current
        if wanted == rate.maximum_frames and time > verify:
            return


def longest_clip(available: int, rate: ClipRate) -> int:
    """The largest 8k+1 that is at most ``available`` and the maximum.

    Raises:
        MediaError: that is less than the minimum.
    """
    frames = (min(available, rate.maximum_frames) - 1) // 8 * 8 + 1
    if frames < rate.minimum_frames:
        detail = f"{available} frames at {rate.fps:g} fps, needs {rate.minimum_frames}"
        raise MediaError(MediaProblem.TOO_SHORT, detail)
    return frames


def _nearer(earlier: Sample[Frame] | None, current: Sample[Frame], time: float) -> Sample[Frame]:
    if earlier is not None and abs(time - earlier.time) <= abs(current.time - time) + 1e-6:
        return earlier
    return current
