"""Video files: what is in one, its frames in order, and a writer whose bytes depend on the frames alone.

Frames are ``uint8`` RGB, ``F H W 3``. Reading is frame-exact: each decoded frame comes once, in presentation order,
with its timestamp, and rotation metadata is applied. A file that cannot be read whole raises ``MediaError``.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from jaxtyping import Float64, UInt8

from tasks.vision.container import is_cut_off

MEDIA_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".webm", ".m4v", ".avi"})
# swscale's default conversion loses one gray level on average; full chroma with accurate rounding does not.
EXACT = (
    Interpolation.BICUBIC
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)
# cpu-independent: mbtree's SIMD rounds by memory alignment, so that without it two runs may differ.
X264 = "threads=1:cpu-independent=1"
MP4 = {"fflags": "+bitexact", "movflags": "+faststart"}
# Packets without a frame of their own that sound files have: field pairs, frames that are never shown, edit lists.
SILENT_FRAMES = 2
STRICT = {"err_detect": "crccheck+bitstream+buffer+explode", "threads": "1"}


class MediaProblem(StrEnum):
    """Why a media file cannot be used: the ids of the media rules."""

    EMPTY = "media_empty"
    CORRUPT = "media_corrupt"
    TRUNCATED = "media_truncated"
    TOO_SHORT = "media_too_short"


class MediaError(Exception):
    """A media file that cannot be read whole.

    Attributes:
        problem: the rule it breaks.
        detail: what was seen, for the person who looks at the file.
    """

    def __init__(self, problem: MediaProblem, detail: str) -> None:
        super().__init__(f"{problem.value}: {detail}")
        self.problem = problem
        self.detail = detail

    def __reduce__(self) -> tuple[type, tuple[MediaProblem, str]]:
        return type(self), (self.problem, self.detail)


@dataclass(frozen=True)
class MediaInfo:
    """What the container declares. ``frames`` is 0 where it declares no count, ``duration`` (seconds) 0 likewise."""

    height: int
    width: int
    fps: float
    frames: int
    duration: float
    codec: str


@dataclass(frozen=True)
class VideoFrames:
    """A decoded video: ``frames`` (F H W 3, RGB), mean ``fps`` and each frame's time in seconds from the first."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    fps: float
    times: Float64[np.ndarray, " frames"]


def media_info(path: Path) -> MediaInfo:
    """Probe a file without decoding it.

    Raises:
        MediaError: the file is empty, cut off, or holds no readable video stream.
    """
    with _open(path) as container:
        return _info(container)


def decode(path: Path) -> Iterator[tuple[float, VideoFrame]]:
    """Yield ``(time, frame)`` for every frame: seconds from the first one, and the frame for ``to_rgb``.

    Raises:
        MediaError: also after some frames, when a later part of the file is damaged or missing.
    """
    with _open(path) as container:
        info = _info(container)
        tally = _Tally()
        last, first = -math.inf, 0.0
        try:
            for frame in _frames(container, tally):
                time = float(frame.time) if frame.time is not None else last + 1 / info.fps
                first = time if tally.decoded == 1 else first
                if time > last:  # a frame that repeats a timestamp is never shown
                    last = time
                    yield time - first, frame
        except FFmpegError as error:
            detail = f"decoding stopped after {tally.decoded} frames: {error.strerror}"
            raise MediaError(MediaProblem.CORRUPT, detail) from error
    tally.check(info, last - first)


def to_rgb(frame: VideoFrame) -> UInt8[np.ndarray, "height width 3"]:
    """The picture of a decoded frame, upright."""
    image = frame.to_ndarray(format="rgb24", interpolation=EXACT, threads=1)
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def read_video(path: Path) -> VideoFrames:
    """Decode a whole file into memory.

    Raises:
        MediaError: the file cannot be read whole.
    """
    pairs = [(time, to_rgb(frame)) for time, frame in decode(path)]
    times = np.array([time for time, _ in pairs], dtype=np.float64)
    fps = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else media_info(path).fps
    return VideoFrames(np.stack([frame for _, frame in pairs]), float(fps), times)


def write_video(path: Path, frames: UInt8[np.ndarray, "frames height width 3"], fps: float, quality: int = 12) -> None:
    """Encode H.264 4:2:0 (BT.601, limited range) in MP4: same frames, rate and quality give the same bytes.

    Args:
        path: destination; appears whole or not at all.
        frames: RGB, even height and width.
        fps: frame rate, exact to 1/1001.
        quality: x264's constant rate factor, 0 (lossless) to 51; 12 is visually lossless.

    Raises:
        ValueError: odd sizes, no frames, or a rate that is not positive.
    """
    count, height, width, _ = frames.shape
    if count < 1 or height % 2 or width % 2 or fps <= 0:
        raise ValueError(f"frames {frames.shape} at {fps} fps: needs at least one frame, even sizes, a positive rate")
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with av.open(
            scratch, "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}
        ) as container:
            stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.thread_count = 1
            stream.codec_context.color_range = 1
            stream.codec_context.colorspace = 6
            stream.options = {"crf": str(quality), "preset": "superfast", "x264-params": X264}
            for image in frames:
                container.mux(stream.encode(_to_yuv(image)))
            container.mux(stream.encode())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def _open(path: Path) -> Iterator[InputContainer]:
    if path.stat().st_size == 0:
        raise MediaError(MediaProblem.EMPTY, "0 bytes")
    if is_cut_off(path):
        raise MediaError(MediaProblem.TRUNCATED, "the container announces more bytes than the file has")
    try:
        container = av.open(str(path), options={"threads": "1"})
    except FFmpegError as error:
        raise MediaError(MediaProblem.CORRUPT, f"not a readable video: {error.strerror}") from error
    with container:
        if not container.streams.video:
            raise MediaError(MediaProblem.CORRUPT, "no video stream")
        stream = container.streams.video[0]
        if stream.codec_context is None or not stream.codec_context.width:
            raise MediaError(MediaProblem.CORRUPT, "the video stream has no decoder or no size")
        stream.codec_context.options = dict(STRICT)
        stream.thread_type = "NONE"
        yield container


def _info(container: InputContainer) -> MediaInfo:
    stream = container.streams.video[0]
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    context = stream.codec_context
    return MediaInfo(context.height, context.width, rate, stream.frames, _duration(container), context.name)


def _duration(container: InputContainer) -> float:
    """Seconds of the video track; Matroska says it in a tag, and a file with one track by its own length."""
    stream = container.streams.video[0]
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    parts = stream.metadata.get("DURATION", "").split(":")
    if len(parts) == 3:
        hours, minutes, seconds = (float(part) for part in parts)
        return 3600 * hours + 60 * minutes + seconds
    return (container.duration or 0) / av.time_base if len(container.streams) == 1 else 0.0


def _to_yuv(image: UInt8[np.ndarray, "height width 3"]) -> VideoFrame:
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace="ITU601", interpolation=EXACT, threads=1)


@dataclass
class _Tally:
    """What came out of a file: packets, those that edit lists hide, frames."""

    packets: int = 0
    hidden: int = 0
    decoded: int = 0

    def check(self, info: MediaInfo, last: float) -> None:
        """Containers that announce a frame count must deliver it, and decoders must not drop frames in silence."""
        if self.decoded == 0:
            raise MediaError(MediaProblem.CORRUPT, "no frame decodes")
        if self.packets < info.frames:
            raise MediaError(MediaProblem.TRUNCATED, f"{self.packets} of {info.frames} frames are there")
        if not info.frames and last + 3 / info.fps < info.duration:
            raise MediaError(MediaProblem.TRUNCATED, f"the last frame is at {last:.2f} of {info.duration:.2f} s")
        if self.decoded < self.packets - self.hidden - SILENT_FRAMES:
            detail = f"{self.decoded} of {self.packets - self.hidden} frames decode"
            raise MediaError(MediaProblem.CORRUPT, detail)


def _frames(container: InputContainer, tally: _Tally) -> Iterator[VideoFrame]:
    for packet in container.demux(container.streams.video[0]):
        if packet.size:
            tally.packets += 1
            tally.hidden += packet.is_discard
        for frame in packet.decode():
            if frame.is_corrupt:
                raise MediaError(MediaProblem.CORRUPT, f"frame {tally.decoded} does not decode")
            tally.decoded += 1
            yield frame
