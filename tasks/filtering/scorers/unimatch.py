"""UniMatch optical flow of App. B.3 (Xu et al. 2023, the GMFlow head), from an ONNX file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from data_contracts.errors import ErrorCode, InputError
from tasks.filtering.scorers.protocol import Measure, StoredClip
from tasks.vision.onnx_network import OnnxNetwork
from tasks.vision.onnx_signature import Signature, TensorLayout

STEP_S = 0.5  # App. B.3: frame pairs every half second
LONGEST_S = 60.0  # App. B.3: across the first minute
MULTIPLE = 32  # the padding factor of the published checkpoints

# Two RGB pictures of 0..255 in, one flow out; exports name them as they like. A second row of the flow, where there is
# one, is the flow back.
SIGNATURE = Signature(
    inputs=(TensorLayout("", (1, 3, None, None)), TensorLayout("", (1, 3, None, None))),
    outputs=(TensorLayout("", (None, 2, None, None)),),
)


@dataclass(frozen=True)
class UniMatchScorer:
    """``flow``: the mean length of the displacement over half a second, pixels of the stored size.

    The paper states the sampling and the range. Inferred, because it says only "optical-flow magnitude": the two frames
    of a pair lie half a second apart, the length is averaged over the picture and then over the pairs, and it is told
    in pixels of the stored clip whatever size the network sees. Pictures are resized (bilinear), not padded.

    Attributes:
        network: opened with ``SIGNATURE``.
        pairs: the most pairs that are measured, evenly spaced among those of the paper; a minute has 120.
        size: height and width the network sees, each 0 = the stored one rounded up to a multiple of 32. A size that
            the file fixes goes before.
    """

    network: OnnxNetwork
    pairs: int
    size: tuple[int, int] = (0, 0)
    name: str = "unimatch"
    version: str = "1"

    def __post_init__(self) -> None:
        """Refuse a size that the file cannot take."""
        for field, asked, fixed in zip(("height", "width"), self.size, self._fixed, strict=True):
            if asked and fixed and asked != fixed:
                raise InputError(
                    ErrorCode.CONFIG_INVALID,
                    f"unimatch_{field} is {asked}; {self.network.file.path} takes {fixed} alone",
                    f"leave unimatch_{field} out, or export the network with dynamic axes",
                )

    @property
    def weights(self) -> str:
        """SHA-256 of the ONNX file."""
        return self.network.file.sha256

    def measure(self, clip: StoredClip) -> list[Measure]:
        """One value; None where the clip has no two frames half a second apart or the flow is not finite.

        Raises:
            OperationError: the network refuses the pictures' size.
        """
        step = max(1, round(STEP_S * clip.fps))
        starts = _spread(_starts(len(clip.frames), clip.fps, step), self.pairs)
        if not starts:
            return [Measure("flow", None, detail=f"{len(clip.frames)} frames hold no pair {STEP_S:g} s apart")]
        height, width = self._measuring_size(clip)
        means = [self._mean_length(clip.frames[i], clip.frames[i + step], (height, width)) for i in starts]
        value = float(np.mean(means))
        detail = f"{len(starts)} pairs at {height}x{width}"
        if not math.isfinite(value):
            return [Measure("flow", None, detail=f"the flow of {detail} is not finite")]
        return [Measure("flow", value, starts[int(np.argmin(means))], detail)]

    @property
    def _fixed(self) -> tuple[int | None, int | None]:
        _, _, height, width = self.network.input_axes[0]
        return height, width

    def _measuring_size(self, clip: StoredClip) -> tuple[int, int]:
        stored = clip.frames.shape[1:3]
        height, width = (
            fixed or asked or -(-size // MULTIPLE) * MULTIPLE
            for fixed, asked, size in zip(self._fixed, self.size, stored, strict=True)
        )
        return height, width

    def _mean_length(
        self,
        before: UInt8[np.ndarray, "height width 3"],
        after: UInt8[np.ndarray, "height width 3"],
        size: tuple[int, int],
    ) -> float:
        """Mean length of the flow from ``before`` to ``after``, pixels of their own size."""
        (flow,) = self.network.run(_picture(before, size), _picture(after, size))
        height, width = before.shape[:2]
        scale = np.array([width / size[1], height / size[0]]).reshape(2, 1, 1)
        return float(np.linalg.norm(flow[0].astype(np.float64) * scale, axis=0).mean())


def _starts(frames: int, fps: float, step: int) -> list[int]:
    """First frames of the pairs that lie within the first minute, one pair after the other."""
    last = min(frames - 1, round(LONGEST_S * fps))
    return list(range(0, last - step + 1, step))


def _spread(starts: Sequence[int], most: int) -> list[int]:
    """At most so many of them, evenly spaced."""
    if len(starts) <= most:
        return list(starts)
    return [starts[index] for index in np.linspace(0, len(starts) - 1, most).round().astype(int)]


def _picture(frame: UInt8[np.ndarray, "height width 3"], size: tuple[int, int]) -> Float32[np.ndarray, "1 3 rows cols"]:
    resized = cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(resized.transpose(2, 0, 1)[None], dtype=np.float32)
