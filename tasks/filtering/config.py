"""Configuration of ``screen`` and ``filter``; the values live in ``workflows/recipes``, thresholds in the contracts."""

from pydantic import Field

from data_contracts.base import Record
from data_contracts.decision import WaivedRule
from data_contracts.licence import Use
from tasks.vision.onnx_network import OnnxDevice, OnnxFile


class ModelScorers(Record):
    """The scorers that need weights, each absent while its place is empty; Table 6's ranges bind them.

    Attributes:
        vlm_endpoint: OpenAI-compatible base URL, up to and including ``/v1``.
        vlm_model: model name the endpoint serves.
        vlm_api_key_file: mounted secret with the bearer token; empty for none.
        vlm_frames: pictures sent per clip.
        vlm_timeout_s: seconds until one request is given up.
        vlm_attempts: tries per clip when the endpoint is busy or answers off the schema.
        vlm_cache: directory of valid answers, kept from run to run; empty = none are kept.
        unimatch: UniMatch flow, weights in an ONNX file.
        unimatch_pairs: the most frame pairs measured per clip; 120 = a minute as in App. B.3.
        unimatch_height: height the network sees, pixels, a multiple of 32; 0 = the stored one rounded up, and a size
            that the file fixes goes before. ``unimatch_width`` likewise.
        dover: DOVER quality, weights in an ONNX file.
        onnx_device: what runs both.
    """

    vlm_endpoint: str = ""
    vlm_model: str = ""
    vlm_api_key_file: str = ""
    vlm_frames: int = Field(default=8, ge=1)
    vlm_timeout_s: float = Field(default=120, gt=0)
    vlm_attempts: int = Field(default=5, ge=1)
    vlm_cache: str = ""
    unimatch: OnnxFile | None = None
    unimatch_pairs: int = Field(default=120, ge=1)
    unimatch_height: int = Field(default=0, ge=0, multiple_of=32)
    unimatch_width: int = Field(default=0, ge=0, multiple_of=32)
    dover: OnnxFile | None = None
    onnx_device: OnnxDevice = OnnxDevice.CPU


class BenchmarkPlace(Record):
    """The published benchmark that no training clip may show.

    Attributes:
        path: its directory; where it lies is no part of the configuration's digest.
        digest: SHA-256 of its pictures, by name.
    """

    path: str = Field(min_length=1, exclude=True)
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


class JudgeConfig(Record):
    """What ``screen`` and ``filter`` need to know besides the contracts.

    Attributes:
        use: what the result is for; the licence gate.
        thumbnail_width: pixels.
        models: scorers with weights.
        waived: single clips that the stewards' ledger lets pass a rule; the run fills it in.
        taken_down: clips and source videos with a tombstone; the run fills it in.
        benchmark: what training clips are compared with; None = the corpus's own benchmark split. The run fills it in.
    """

    use: Use
    thumbnail_width: int = Field(ge=16)
    models: ModelScorers = ModelScorers()
    waived: tuple[WaivedRule, ...] = ()
    taken_down: tuple[str, ...] = ()
    benchmark: BenchmarkPlace | None = None

    @property
    def measuring(self) -> "MeasureConfig":
        """What a clip's measures depend on: a use, a waiver, a tombstone or a benchmark measures nothing anew."""
        return MeasureConfig(thumbnail_width=self.thumbnail_width, models=self.models)


class MeasureConfig(Record):
    """The part of the configuration that the measures of a clip depend on."""

    thumbnail_width: int
    models: ModelScorers


class ScreenConfig(JudgeConfig):
    """Of the screen: the listed clips."""


class FilterConfig(JudgeConfig):
    """Of the filter: rendered clips, which carry the licence of their scene, join."""
