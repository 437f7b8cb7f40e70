"""A vision-language model behind an OpenAI-compatible endpoint: asked about pictures, its answers checked and kept.

Knows nothing of what is asked. Three kinds of trouble are told apart: a busy or unreachable endpoint is asked again
and then stops the stage (no clip is to blame); an answer off the schema is asked for again and then counts as no
answer; a refused request (a wrong key, an unknown model) stops the stage at once.
"""

import base64
import hashlib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import cv2
import httpx
import numpy as np
from jaxtyping import UInt8
from pydantic import Field, ValidationError

from data_contracts.base import Record
from data_contracts.errors import ErrorCode, OperationError

Answer = TypeVar("Answer", bound=Record)

_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_THOUGHTS = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)  # some models think aloud before they answer


class _Message(Record, extra="ignore"):
    content: str


class _Choice(Record, extra="ignore"):
    message: _Message


class _Completion(Record, extra="ignore"):
    choices: list[_Choice] = Field(min_length=1)


@dataclass(frozen=True)
class VlmEndpoint:
    """Where the model is and how patiently it is asked.

    Attributes:
        base_url: up to and including ``/v1``.
        model: model name the endpoint serves.
        frames: pictures sent per clip, evenly spaced.
        timeout_s: seconds until one request is given up; the longest ``Retry-After`` that is honoured, too.
        attempts: tries per question when the endpoint is busy, unreachable or off the schema.
        api_key: bearer token; empty for none.
        retry_s: seconds before the second try; each further one waits as much longer.
        cache: directory of valid answers by digest of the question; None = none are kept.
    """

    base_url: str
    model: str
    frames: int
    timeout_s: float
    attempts: int
    api_key: str = ""
    retry_s: float = 1.0
    cache: Path | None = None


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """A prompt, and the record that its answer must be."""

    prompt: str
    answer: type[Answer]


def ask(
    endpoint: VlmEndpoint, question: Question[Answer], frames: UInt8[np.ndarray, "frames height width 3"]
) -> Answer | None:
    """Ask about evenly spaced frames (RGB) of one clip.

    Returns:
        The valid answer; None when every answer was off the schema.

    Raises:
        OperationError: the endpoint cannot be reached, stays busy, or refuses the request.
    """
    body = _request(endpoint, question)
    body["messages"] = [{"role": "user", "content": _content(question.prompt, _sample(frames, endpoint.frames))}]
    kept = None if endpoint.cache is None else endpoint.cache / f"{_digest(body)}.json"
    if kept is not None and kept.is_file() and (answer := _parse(question.answer, kept.read_text())) is not None:
        return answer
    answer = _converse(endpoint, question, body)
    if kept is not None and answer is not None:
        _keep(kept, answer)
    return answer


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


def _converse(endpoint: VlmEndpoint, question: Question[Answer], body: dict[str, object]) -> Answer | None:
    """Ask until a valid answer, a refusal, or the last attempt."""
    trouble, wait = "", 0.0
    for attempt in range(endpoint.attempts):
        time.sleep(max(wait, endpoint.retry_s * attempt))
        wait, trouble = 0.0, ""
        try:
            response = _post(endpoint, body)
        except httpx.TransportError as error:
            trouble = f"{type(error).__name__}: {error}"
            continue
        if response.is_success:
            if (answer := _read(question.answer, response.content)) is not None:
                return answer
            continue
        trouble = f"HTTP {response.status_code}: {response.text[:200]}"
        if response.status_code not in _BUSY:
            break
        wait = _asked_to_wait(response, endpoint.timeout_s)
    if not trouble:
        return None
    raise OperationError(
        ErrorCode.WORKER_FAILED,
        f"model {endpoint.model} at {endpoint.base_url} gave no answer: {trouble}",
        "check the endpoint and the model in the recipe, and that the endpoint is up",
    )


def _post(endpoint: VlmEndpoint, body: dict[str, object]) -> httpx.Response:
    headers = {"authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
    url = f"{endpoint.base_url.rstrip('/')}/chat/completions"
    return httpx.post(url, json=body, headers=headers, timeout=endpoint.timeout_s)


def _read(answer: type[Answer], content: bytes) -> Answer | None:
    try:
        completion = _Completion.model_validate_json(content)
    except ValidationError:
        return None
    return _parse(answer, _THOUGHTS.sub("", completion.choices[0].message.content))


def _parse(answer: type[Answer], text: str) -> Answer | None:
    try:
        return answer.model_validate_json(text)
    except ValidationError:
        return None


def _keep(path: Path, answer: Record) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{time.monotonic_ns()}.tmp")
    scratch.write_text(answer.model_dump_json())
    scratch.replace(path)


def _asked_to_wait(response: httpx.Response, longest: float) -> float:
    told = response.headers.get("retry-after", "")
    return min(float(told), longest) if told.isdecimal() else 0.0


def _request(endpoint: VlmEndpoint, question: Question[Answer]) -> dict[str, object]:
    schema = {"name": "answer", "strict": True, "schema": question.answer.model_json_schema()}
    return {
        "model": endpoint.model,
        "temperature": 0,
        "seed": 0,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }


def _content(prompt: str, pictures: Sequence[str]) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = [{"type": "image_url", "image_url": {"url": picture}} for picture in pictures]
    return [{"type": "text", "text": prompt}, *shown]


def _sample(frames: UInt8[np.ndarray, "frames height width 3"], count: int) -> list[str]:
    """Evenly spaced frames as JPEG data URLs."""
    indices = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return [_data_url(frames[index]) for index in indices]


def _data_url(frame: UInt8[np.ndarray, "height width 3"]) -> str:
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def _digest(body: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
