"""DOVER of App. B.3 (Wu et al. 2023), from the ONNX file that its authors' script exports."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from scipy.special import expit

from tasks.filtering.scorers.dover_views import FRAMES, SIDE, aesthetic_view, technical_view
from tasks.filtering.scorers.protocol import Measure, StoredClip
from tasks.vision.onnx_network import OnnxNetwork
from tasks.vision.onnx_signature import Signature, TensorLayout

CHUNK_S = 5.0  # App. B.3: averaged over chunks of five seconds that do not overlap
TECHNICAL_CLIPS = 3  # of the published configuration, where the file does not fix its own (the export script's has 4)

SIGNATURE = Signature(
    inputs=(
        TensorLayout("aes_view", (1, 3, FRAMES, SIDE, SIDE)),
        TensorLayout("tech_view", (None, 3, FRAMES, SIDE, SIDE)),
    ),
    outputs=(TensorLayout("", (None,)), TensorLayout("", (None,))),  # aesthetic, technical: one number a clip
)


@dataclass(frozen=True)
class DoverScorer:
    """``technical_quality``: the fused score of both views in (0, 1), the mean over the chunks of a clip.

    Table 6 gives one range for "technical/aesthetic quality", so the fused score is what it binds (inferred).

    Attributes:
        network: opened with ``SIGNATURE``.
    """

    network: OnnxNetwork
    name: str = "dover"
    version: str = "1"

    @property
    def weights(self) -> str:
        """SHA-256 of the ONNX file."""
        return self.network.file.sha256

    def measure(self, clip: StoredClip) -> list[Measure]:
        """One value; None where the network's answer is not finite.

        Raises:
            OperationError: the network refuses the views.
        """
        chunks = _chunks(len(clip.frames), clip.fps)
        pairs = np.array([self._scores(clip.frames[chunk]) for chunk in chunks])
        if not np.isfinite(pairs).all():  # asked before fusing, which would make 0 or 1 of an infinity
            return [Measure("technical_quality", None, detail=f"the score of {len(chunks)} chunks is not finite")]
        fused = np.array([fuse(aesthetic, technical) for aesthetic, technical in pairs])
        aesthetic, technical = pairs.mean(axis=0)
        detail = f"{len(chunks)} chunks; raw aesthetic {aesthetic:.4f}, technical {technical:.4f}"
        return [Measure("technical_quality", float(fused.mean()), chunks[int(fused.argmin())].start, detail)]

    def _scores(self, frames: UInt8[np.ndarray, "frames height width 3"]) -> tuple[float, float]:
        """Raw aesthetic and technical score of one chunk; the clips of the technical view are averaged."""
        clips = self.network.input_axes[1][0] or TECHNICAL_CLIPS
        aesthetic, technical = self.network.run(aesthetic_view(frames), technical_view(frames, clips))
        return float(aesthetic.mean()), float(technical.mean())


def fuse(aesthetic: float, technical: float) -> float:
    """One score in (0, 1) from the raw two: each standardized by its statistics on KoNViD-1k, weighted, squashed.

    The larger weight is the technical view's, as DOVER's author states. The published scripts disagree: the one for
    ONNX hands over the aesthetic score first and so swaps the two.
    """
    x = 0.6104 * (technical - 0.1107) / 0.07355 + 0.3896 * (aesthetic + 0.08285) / 0.03774
    return float(expit(x))


def _chunks(frames: int, fps: float) -> list[slice]:
    """Five seconds each from the start; a rest counts from half a chunk, or where there is nothing else."""
    length = max(1, round(CHUNK_S * fps))
    count = max(1, (2 * frames + length) // (2 * length))
    return [slice(index * length, min((index + 1) * length, frames)) for index in range(count)]
