"""Reading a creation request: multipart or JSON fields, the conditioning image, and what is filled in."""

import base64
import binascii
import io
from typing import TypeVar

from fastapi import Request
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import Field, ValidationError
from starlette.datastructures import UploadFile

from data_contracts.base import Record
from data_contracts.errors import ErrorCode, InputError
from data_contracts.wire import GenerationMode, ModelCard, VideoRequest

CLIENT_DEFAULT_MODELS = frozenset({"sora-2", "sora-2-pro"})
MAX_IMAGE_BYTES = 20 * 2**20
MAX_IMAGE_PIXELS = 40_000_000
DEFAULT_SECONDS = "4"
Model = TypeVar("Model", bound=Record)


class CreationFields(Record):
    """The fields of ``POST /v1/videos``; those a stock client knows first, ours after."""

    prompt: str
    model: str | None = None
    seconds: str | None = None
    size: str | None = None
    input_reference: dict[str, str] | None = None
    action: str = ""
    seed: int = Field(default=42)
    mode: GenerationMode = GenerationMode.STREAMING


async def read_creation(request: Request) -> tuple[CreationFields, bytes | None]:
    """Fields and image bytes of a creation request.

    Raises:
        InputError: the body is neither JSON nor a form, a field is unknown or wrong, or the image is too large.
    """
    values: dict[str, object] = {}
    payload: bytes | None = None
    if request.headers.get("content-type", "").startswith("application/json"):
        values = await _json_object(request)
    else:
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    payload = await value.read(MAX_IMAGE_BYTES + 1)
                elif name == "input_reference[image_url]":
                    values["input_reference"] = {"image_url": value}
                else:
                    values[name] = value
    fields = validated(CreationFields, values)
    if payload is None and fields.input_reference is not None:
        payload = _data_url(fields.input_reference.get("image_url", ""))
    if payload is not None and len(payload) > MAX_IMAGE_BYTES:
        raise _bad_image(f"input_reference is larger than {MAX_IMAGE_BYTES} bytes")
    return fields, payload


def build_request(card: ModelCard, fields: CreationFields, has_image: bool) -> VideoRequest:
    """A complete request; what the client left out takes the model's own values.

    Raises:
        InputError: naming the first field that is wrong, its value and what is allowed.
    """
    known_model(card, fields.model)
    return validated(
        VideoRequest,
        {
            "prompt": fields.prompt,
            "model": card.id,
            "seconds": fields.seconds or DEFAULT_SECONDS,
            "size": fields.size or f"{card.width}x{card.height}",
            "action": fields.action,
            "seed": fields.seed,
            "mode": fields.mode,
            "has_image": has_image,
        },
    )


def known_model(card: ModelCard, name: str | None) -> None:
    """Accept the served model's name, and the names that stock clients send by default.

    Raises:
        InputError: another model is asked for.
    """
    if name is not None and name != card.id and name not in CLIENT_DEFAULT_MODELS:
        raise InputError(ErrorCode.REQUEST_INVALID, f"model is {name[:80]!r}; served is {card.id!r}", "leave model out")


def normalized_png(payload: bytes) -> bytes:
    """Decode any still image Pillow knows and give it back as RGB PNG, upright.

    Raises:
        InputError: not an image, too small, or too many pixels.
    """
    try:
        with Image.open(io.BytesIO(payload)) as source:
            if source.width * source.height > MAX_IMAGE_PIXELS:
                raise _bad_image(f"input_reference has {source.width}x{source.height} pixels")
            image = ImageOps.exif_transpose(source).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise _bad_image("input_reference is not a readable image") from None
    if min(image.size) < 16:
        raise _bad_image(f"input_reference is {image.width}x{image.height} pixels")
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def validated(model: type[Model], values: dict[str, object]) -> Model:
    """A record from untrusted values.

    Raises:
        InputError: naming the first field that is wrong, its value and what is allowed.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        message = f"{field} is {str(first['input'])[:80]!r}: {first['msg']}"
        raise InputError(ErrorCode.REQUEST_INVALID, message, f"correct {field}") from None


async def _json_object(request: Request) -> dict[str, object]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise InputError(ErrorCode.REQUEST_INVALID, "the body is not a JSON object", "send JSON or multipart form data")
    return body


def _data_url(url: str) -> bytes:
    """Only ``data:`` URLs: the server never fetches on a client's behalf."""
    head, _, body = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise _bad_image("input_reference.image_url must be a data:image/...;base64 URL")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise _bad_image("input_reference.image_url is not valid base64") from None


def _bad_image(message: str) -> InputError:
    return InputError(
        ErrorCode.REQUEST_INVALID, message, "send one PNG, JPEG or WebP of at least 16 pixels a side and at most 20 MiB"
    )
