"""The cluster captioner: a vision-language model behind an OpenAI-compatible endpoint, its answers schema-checked."""

import base64
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
from jaxtyping import UInt8
from pydantic import Field, ValidationError

from data_contracts.base import Record
from data_contracts.errors import ErrorCode, OperationError
from tasks.captioning.protocols import CaptionItem
from tasks.captioning.scene_static import make_scene_static
from tasks.vision.video import read_video

PROMPT = (
    "These are frames of one video, in order. Describe the scene in three to five sentences: the objects, their "
    "appearance and materials, the layout of the place, the light and the style. Describe it as a still place. Never "
    "mention the camera, the viewpoint, how the view changes, or any direction of travel. Answer with JSON only."
)
_RETRY_SECONDS = 1.0
_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class VlmAnswer(Record):
    """What the model must answer with: one caption and nothing else."""

    caption: str = Field(min_length=1, max_length=4000)


class _Message(Record, extra="ignore"):
    content: str


class _Choice(Record, extra="ignore"):
    message: _Message


class _Completion(Record, extra="ignore"):
    choices: list[_Choice] = Field(min_length=1)


@dataclass(frozen=True)
class VlmEndpoint:
    """Where the model is.

    Attributes:
        base_url: up to and including ``/v1``.
        model: model name the endpoint serves.
        frames: pictures sent per clip, evenly spaced.
        timeout_s: seconds until one request is given up.
        attempts: tries per clip when the endpoint is busy or unreachable.
        api_key: bearer token; empty for none.
    """

    base_url: str
    model: str
    frames: int
    timeout_s: float
    attempts: int
    api_key: str = ""


class VlmCaptioner:
    """Asks the endpoint for a scene-static caption; an answer off the schema counts as nothing to say.

    Args:
        endpoint: where the model is.
    """

    name = "vlm"
    version = 1

    def __init__(self, endpoint: VlmEndpoint) -> None:
        self.endpoint = endpoint

    def caption(self, item: CaptionItem) -> str:
        """The model's caption without what speaks of the camera.

        Raises:
            OperationError: the endpoint cannot be reached, stays busy, or refuses the request.
        """
        pictures = _sample(read_video(item.media).frames, self.endpoint.frames)
        try:
            completion = _Completion.model_validate_json(self._ask(_request(self.endpoint.model, pictures)))
            answer = VlmAnswer.model_validate_json(completion.choices[0].message.content)
        except ValidationError:
            return ""  # the next captioner writes the text, and the table says so
        return make_scene_static(answer.caption)

    def _ask(self, body: dict[str, object]) -> bytes:
        headers = {"authorization": f"Bearer {self.endpoint.api_key}"} if self.endpoint.api_key else {}
        url = f"{self.endpoint.base_url.rstrip('/')}/chat/completions"
        trouble = ""
        for attempt in range(self.endpoint.attempts):
            time.sleep(_RETRY_SECONDS * attempt)
            try:
                response = httpx.post(url, json=body, headers=headers, timeout=self.endpoint.timeout_s)
            except httpx.TransportError as error:
                trouble = f"{type(error).__name__}: {error}"
                continue
            if response.is_success:
                return response.content
            trouble = f"HTTP {response.status_code}: {response.text[:200]}"
            if response.status_code not in _BUSY:
                break
        raise OperationError(
            ErrorCode.WORKER_FAILED,
            f"captioner at {url} gave no answer: {trouble}",
            "check caption.endpoint and caption.model in the recipe, and that the endpoint is up",
        )


def _sample(frames: UInt8[np.ndarray, "frames height width 3"], count: int) -> list[str]:
    """Evenly spaced frames as JPEG data URLs."""
    indices = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return [_data_url(frames[index]) for index in indices]


def _data_url(frame: UInt8[np.ndarray, "height width 3"]) -> str:
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def _request(model: str, pictures: list[str]) -> dict[str, object]:
    content: list[dict[str, object]] = [{"type": "text", "text": PROMPT}]
    content += [{"type": "image_url", "image_url": {"url": picture}} for picture in pictures]
    schema = {"name": "caption", "strict": True, "schema": VlmAnswer.model_json_schema()}
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "seed": 0,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }


def read_api_key(path: str) -> str:
    """The token in a mounted secret file; empty when no file is named.

    Raises:
        OperationError: a file is named and cannot be read.
    """
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise OperationError(
            ErrorCode.INPUT_MISSING, f"api_key_file {path} cannot be read: {error.strerror}", "mount the secret"
        ) from error
