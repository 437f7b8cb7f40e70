"""A video file that can be played while it grows: fragmented MP4, one fragment for every group of frames."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

FLAGS = {"movflags": "+frag_keyframe+empty_moov+default_base_moof+frag_custom", "fflags": "+bitexact"}


class ProgressiveVideo:
    """Writes H.264 4:2:0 at ``fps`` frames a second; the same frames give the same bytes.

    Use as a context manager. ``append`` makes its frames playable at once. Leaving with an exception removes the file,
    so what stays on disk is whole.
    """

    def __init__(self, path: Path, fps: float, quality: int = 16) -> None:
        self._path = path
        self._fps = fps
        self._quality = quality
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None

    def __enter__(self) -> "ProgressiveVideo":
        self._container = av.open(str(self._path), "w", format="mp4", options=dict(FLAGS))
        return self

    def append(self, frames: UInt8[ndarray, "frames height width 3"]) -> None:
        """Encode frames (RGB, even height and width) and flush them to the file."""
        container, stream = self._open(frames.shape[1], frames.shape[2])
        for image in frames:
            picture = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            container.mux(stream.encode(picture.reformat(format="yuv420p", dst_colorspace="ITU601")))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is None:
            return
        if self._stream is not None and kind is None:
            self._container.mux(self._stream.encode())
        self._container.close()
        if kind is not None:
            self._path.unlink(missing_ok=True)

    def _open(self, height: int, width: int) -> tuple[OutputContainer, VideoStream]:
        if self._container is None:
            raise RuntimeError("ProgressiveVideo is a context manager: append inside `with`")
        if self._stream is None:
            stream = self._container.add_stream("libx264", rate=Fraction(self._fps).limit_denominator(1001))
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
            stream.thread_count = 1
            stream.codec_context.color_range = 1
            stream.codec_context.colorspace = 6
            # No look-ahead and no B frames: a frame leaves the encoder as soon as it has come in.
            stream.options = {
                "crf": str(self._quality),
                "preset": "veryfast",
                "tune": "zerolatency",
                "x264-params": "threads=1:keyint=8:scenecut=0",
            }
            self._stream = stream
        return self._container, self._stream


def fit_frames(
    frames: UInt8[ndarray, "frames height width 3"], height: int, width: int
) -> UInt8[ndarray, "frames out_height out_width 3"]:
    """Scale frames by Lanczos to cover another size and cut the centre; unchanged where the size is already right."""
    if frames.shape[1:3] == (height, width):
        return frames
    factor = max(height / frames.shape[1], width / frames.shape[2])
    size = (max(width, round(frames.shape[2] * factor)), max(height, round(frames.shape[1] * factor)))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    box = (left, top, left + width, top + height)
    resample = Image.Resampling.LANCZOS
    return np.stack([np.asarray(Image.fromarray(image).resize(size, resample).crop(box)) for image in frames])
