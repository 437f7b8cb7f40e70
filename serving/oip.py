"""The v2 (open inference) protocol's tensors: what a request holds, and what the answer does."""

import io
import uuid

import numpy as np
from jaxtyping import Float, UInt8
from kserve import InferInput, InferOutput, InferRequest, InferResponse
from kserve.errors import InvalidInput
from numpy import ndarray
from PIL import Image

from data_contracts.errors import SanaWMError
from data_contracts.wire import GenerationMode
from model.generation.first_frame import default_intrinsics
from model.generation.request import GenerationRequest, check_request
from serving.creation import normalized_png

INPUTS = [
    {"name": "prompt", "datatype": "BYTES", "shape": [1]},
    {"name": "image", "datatype": "UINT8", "shape": [-1, -1, 3]},
    {"name": "camera_to_world", "datatype": "FP64", "shape": [-1, 4, 4]},
    {"name": "intrinsics", "datatype": "FP64", "shape": [-1, 4]},
    {"name": "seed", "datatype": "INT64", "shape": [1]},
]
OUTPUTS = [{"name": "video", "datatype": "UINT8", "shape": [-1]}]
FLOATS = frozenset({"FP32", "FP64"})


def read_request(payload: InferRequest, size: tuple[int, int]) -> GenerationRequest:
    """Tensors to a request; ``size`` is the model's (height, width).

    ``prompt`` and ``camera_to_world`` are required. ``image`` is raw RGB, or one BYTES element with an encoded picture.
    Without ``intrinsics`` a horizontal field of view of 60 degrees is assumed. The request parameter ``mode`` picks
    the sampler.

    Raises:
        InvalidInput: a tensor is missing, unknown, or not what it must be (HTTP 400).
    """
    tensors = {tensor.name: tensor for tensor in payload.inputs}
    unknown = sorted(tensors.keys() - {str(known["name"]) for known in INPUTS})
    if unknown:
        raise InvalidInput(f"inputs {unknown} are unknown; known are {[known['name'] for known in INPUTS]}")
    image = _image(tensors["image"]) if "image" in tensors else None
    path = _floats(tensors, "camera_to_world", (4, 4))
    request = GenerationRequest(
        image=image,
        prompt=_text(tensors),
        camera_to_world=path,
        intrinsics=_intrinsics(tensors, size if image is None else image.shape[:2], len(path)),
        seed=int(tensors["seed"].as_numpy().reshape(-1)[0]) if "seed" in tensors else 42,
        mode=_mode(payload),
    )
    try:
        check_request(request, size)
    except SanaWMError as error:
        raise InvalidInput(f"{error.code.value}: {error.message}; {error.fix}") from None
    return request


def write_response(payload: InferRequest, model_name: str, video: bytes) -> InferResponse:
    """The MP4 file as bytes; a request without an id gets one, since the protocol's answer must have it."""
    output = InferOutput("video", [len(video)], "UINT8", parameters={"content_type": "video/mp4"})
    output.set_data_from_numpy(np.frombuffer(video, np.uint8), binary_data=payload.use_binary_outputs)
    return InferResponse(
        response_id=payload.id or str(uuid.uuid4()),
        model_name=model_name,
        infer_outputs=[output],
        use_binary_outputs=payload.use_binary_outputs,
        requested_outputs=payload.request_outputs,
    )


def _text(tensors: dict[str, InferInput]) -> str:
    values = _required(tensors, "prompt").as_numpy().reshape(-1)
    if len(values) != 1:
        raise InvalidInput(f"prompt has {len(values)} elements, must have 1")
    value = values[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _image(tensor: InferInput) -> UInt8[ndarray, "height width 3"]:
    values = tensor.as_numpy()
    if tensor.datatype == "BYTES":
        encoded = values.reshape(-1)[0]
        try:
            payload = normalized_png(encoded if isinstance(encoded, bytes) else str(encoded).encode("latin-1"))
        except (SanaWMError, UnicodeEncodeError) as error:
            raise InvalidInput(f"image: {error}") from None
        return np.asarray(Image.open(io.BytesIO(payload)))
    if tensor.datatype != "UINT8" or values.ndim != 3 or values.shape[2] != 3:
        raise InvalidInput(
            f"image is {tensor.datatype} {list(values.shape)}, must be UINT8 [height, width, 3] or BYTES"
        )
    return values


def _floats(tensors: dict[str, InferInput], name: str, tail: tuple[int, ...]) -> Float[ndarray, "frames ..."]:
    tensor = _required(tensors, name)
    if tensor.datatype not in FLOATS or tuple(tensor.shape[1:]) != tail:
        raise InvalidInput(f"{name} is {tensor.datatype} {list(tensor.shape)}, must be FP64 or FP32 [frames, *{tail}]")
    try:
        return tensor.as_numpy().astype(np.float64)
    except ValueError as error:
        raise InvalidInput(f"{name}: {error}") from None


def _intrinsics(tensors: dict[str, InferInput], size: tuple[int, ...], frames: int) -> Float[ndarray, "frames 4"]:
    if "intrinsics" in tensors:
        return _floats(tensors, "intrinsics", (4,))
    return np.tile(default_intrinsics(size[0], size[1]), (frames, 1))


def _mode(payload: InferRequest) -> GenerationMode:
    wanted = dict(payload.parameters or {}).get("mode", GenerationMode.STREAMING.value)
    try:
        return GenerationMode(str(wanted))
    except ValueError:
        allowed = [mode.value for mode in GenerationMode]
        raise InvalidInput(f"parameter mode is {str(wanted)[:40]!r}, must be one of {allowed}") from None


def _required(tensors: dict[str, InferInput], name: str) -> InferInput:
    if name not in tensors:
        raise InvalidInput(f"input {name} is missing; required are prompt and camera_to_world")
    return tensors[name]
