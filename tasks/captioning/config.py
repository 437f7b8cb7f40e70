"""Configuration of the ``caption`` stage."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record


class CaptionEngine(StrEnum):
    """Who writes the captions first; image statistics write where the first has nothing to say."""

    SOURCE = "source"
    VLM = "vlm"


class CaptionConfig(Record):
    """How captions are written. The ``endpoint`` keys matter to ``vlm`` alone.

    Attributes:
        engine: first captioner.
        endpoint: OpenAI-compatible base URL, up to and including ``/v1``.
        model: model name the endpoint serves.
        api_key_file: mounted secret with the bearer token; empty for none.
        frames: pictures sent per clip.
        timeout_s: seconds until one request is given up.
        attempts: tries per clip when the endpoint is busy.
    """

    engine: CaptionEngine
    endpoint: str
    model: str
    api_key_file: str
    frames: int = Field(ge=1)
    timeout_s: float = Field(gt=0)
    attempts: int = Field(ge=1)
