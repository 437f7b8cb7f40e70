"""What determined one generated video: printed by ``wm generate --json``, enough to make it again."""

from data_contracts.base import Record
from data_contracts.wire import GenerationMode


class GenerationRecord(Record):
    """One video that was made.

    ``request`` is the digest of image, prompt, cameras, seed, mode and steps; ``version`` that of the weights. Equal
    pairs give equal frames on one device class with equal ``threads``. ``seconds`` and ``realtime`` (seconds of video
    per second of work) are the only fields that vary from run to run.
    """

    output: str
    bundle: str
    version: str
    numerics: str
    request: str
    prompt: str
    mode: GenerationMode
    seed: int
    steps: int | None
    threads: int
    raw_frames: int
    fps: float
    height: int
    width: int
    seconds: float
    realtime: float
