"""What goes over the wire at ``/v1/videos``: the public shape of the video jobs that ``openai`` clients speak.

Fields beyond that shape (``action``, ``seed``, ``mode``) are optional, so an unchanged client works without them.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from data_contracts.base import Record


class JobStatus(StrEnum):
    """Life of a job. A job is stored before it is scheduled and never leaves ``completed`` or ``failed``."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


class GenerationMode(StrEnum):
    """How a video is sampled.

    ``bidirectional``: all frames together. ``teacher``: chunk-causal, many steps, later chunks starting later, no
    carried state. ``streaming``: chunk after chunk with a carried state.
    """

    BIDIRECTIONAL = "bidirectional"
    TEACHER = "teacher"
    STREAMING = "streaming"


class VideoRequest(Record):
    """A validated creation request; the image lies beside the job as ``input.png``.

    ``action`` is the action language (``w-40,d-20``); empty = a slow walk forward for ``seconds``. ``size`` is
    ``WIDTHxHEIGHT`` of the delivered video.
    """

    prompt: str = Field(min_length=1, max_length=4000)
    model: str
    seconds: str = Field(pattern=r"^[1-9][0-9]?$")
    size: str = Field(pattern=r"^[1-9][0-9]{1,3}x[1-9][0-9]{1,3}$")
    action: str = Field(default="", max_length=2000)
    seed: int = Field(default=42, ge=0, lt=2**63)
    mode: GenerationMode = GenerationMode.STREAMING
    has_image: bool = False


class VideoError(Record):
    """Why a job failed."""

    code: str
    message: str


class Video(Record):
    """One job, as clients see it. Times are Unix seconds."""

    id: str
    object: Literal["video"] = "video"
    model: str
    status: JobStatus
    progress: int = Field(ge=0, le=100)
    created_at: int
    completed_at: int | None = None
    expires_at: int | None = None
    seconds: str
    size: str
    prompt: str
    error: VideoError | None = None
    remixed_from_video_id: str | None = None


class VideoList(Record):
    """One page of jobs."""

    object: Literal["list"] = "list"
    data: list[Video]
    first_id: str | None
    last_id: str | None
    has_more: bool


class VideoDeleted(Record):
    """A job that is gone, with its files; its generation, if it was running, stops at the next step."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: bool = True


class ApiErrorBody(Record):
    """What was wrong with a request: a message for people, a code for programs, the field it concerns."""

    message: str
    type: str
    param: str | None = None
    code: str


class ApiError(Record):
    """The body of every answer that is not a success."""

    error: ApiErrorBody


class ModelCard(Record):
    """What is being served: ``GET /v1/models/{name}`` and the readiness answer."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "sana-wm"
    version: str
    height: int
    width: int
    fps: float
    numerics: str
    modes: list[GenerationMode]


class ModelList(Record):
    """``GET /v1/models``."""

    object: Literal["list"] = "list"
    data: list[ModelCard]
