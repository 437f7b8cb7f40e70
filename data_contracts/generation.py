"""What determined one generated video: written beside it by ``wm generate``, enough to make it again."""

from pydantic import Field

from data_contracts.base import Record
from data_contracts.wire import GenerationMode


class InputRecord(Record):
    """What the user gave. Digests are SHA-256 of the values as they reach the model.

    ``image`` is that of the RGB pixels ("" = none), ``camera`` of the float64 poses, ``intrinsics`` of their rows.
    ``action`` and ``key_map`` are set where the path came from the action language.
    """

    prompt: str
    image: str
    camera: str
    intrinsics: str
    action: str | None
    key_map: int | None
    seed: int


class SamplingRecord(Record):
    """How stage 1 was sampled: noise levels of a chunk with the closing 0, first latent frame of each chunk."""

    mode: GenerationMode
    sigmas: list[float]
    guidance: float
    chunk_starts: list[int]
    cached_chunks: int
    sink: bool


class WeightsRecord(Record):
    """SHA-256 of each file the networks were loaded from, by its path in the bundle, and the numerics profile."""

    numerics: str
    files: dict[str, str]


class RuntimeRecord(Record):
    """Where it ran. Equal frames are promised for equal values of all of these."""

    device: str
    precision: str
    offload: bool
    threads: int
    versions: dict[str, str]


class ScoreRecord(Record):
    """What ranked this video among the candidates of one request (``docs/generate.md``)."""

    rank: int = Field(ge=1)
    candidates: int = Field(ge=1)
    total: float
    sharpness: float
    steadiness: float
    continuity: float


class GenerationRecord(Record):
    """One video that was made.

    ``request`` is the digest of image, prompt, cameras, seed, mode, steps and refinement; ``version`` that of the
    weights. ``output``, ``seconds`` and ``realtime`` (seconds of video per second of work) are the only fields that may
    differ between two runs of the same video.
    """

    output: str
    version: str
    request: str
    input: InputRecord
    sampling: SamplingRecord
    refined: bool
    overlay: bool
    raw_frames: int
    fps: float
    height: int
    width: int
    weights: WeightsRecord
    runtime: RuntimeRecord
    score: ScoreRecord | None = None
    seconds: float
    realtime: float


class GenerationBatch(Record):
    """The kept candidates of one request, best first."""

    videos: list[GenerationRecord]
