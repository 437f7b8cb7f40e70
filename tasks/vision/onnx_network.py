"""An ONNX file as a network: checked before it is believed, run on one thread, the same bits each time.

ONNX carries the graph and the weights without code: nothing is unpickled and no model source is needed. This file knows
nothing of what the tensors mean; who uses a network declares its ``Signature`` (``onnx_signature``).
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from data_contracts.base import Record
from data_contracts.errors import ErrorCode, InputError, OperationError
from tasks.vision.onnx_signature import Axes, Signature, check_tensors, fits, shown

_PROVIDERS = {"cpu": ["CPUExecutionProvider"], "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"]}


class OnnxDevice(StrEnum):
    """What runs the network. ``cuda`` needs an image with the GPU build of ONNX Runtime."""

    CPU = "cpu"
    CUDA = "cuda"


class OnnxFile(Record):
    """Weights in one ONNX file.

    The digest is part of the configuration, so that other weights under the same name are another configuration: no
    cached score of the old ones is taken for theirs.

    Attributes:
        path: the file; its tensors lie inside it (no external data).
        sha256: SHA-256 of the file's bytes, 64 lowercase hexadecimal digits.
    """

    path: str = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class OnnxNetwork:
    """An opened file; made by ``open_network``.

    Attributes:
        file: where it came from.
        signature: what was declared.
        input_axes: the sizes that the file itself fixes, None where it takes any; one entry an input.
        session: the runtime's own object, untyped upstream.
    """

    file: OnnxFile
    signature: Signature
    input_axes: tuple[Axes, ...]
    session: Any

    def run(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """The outputs for these inputs (float32, in the declared order).

        Raises:
            OperationError: the network refuses the inputs' sizes, or an output is not of the declared form.
        """
        named = {actual.name: value for actual, value in zip(self.session.get_inputs(), inputs, strict=True)}
        try:
            outputs = self.session.run(None, named)
        except _runtime_errors() as error:
            told = _first_line(error)
            raise OperationError(
                ErrorCode.WEIGHTS_INVALID,
                f"{self.file.path} cannot run on inputs of {[value.shape for value in inputs]}: {told}",
                "export the network for these sizes, or with dynamic axes",
            ) from error
        for declared, value in zip(self.signature.outputs, outputs, strict=True):
            if not fits(value.shape, declared.axes):
                raise OperationError(
                    ErrorCode.WEIGHTS_INVALID,
                    f"{self.file.path} answered with {value.shape}; it must be {shown(declared.axes)}",
                    "export the network with the outputs that docs/contracts.md lists",
                )
        return outputs


def open_network(file: OnnxFile, signature: Signature, device: OnnxDevice) -> OnnxNetwork:
    """Open a file whose bytes, inputs and outputs are what was declared; a process opens each once.

    Raises:
        InputError: the file is missing, has other bytes, is not ONNX, has another signature, or the device is absent.
    """
    return _opened(file.path, file.sha256, signature, device)


@lru_cache(maxsize=4)  # a worker measures many clips, and a file may have 200 MB
def _opened(path: str, sha256: str, signature: Signature, device: OnnxDevice) -> OnnxNetwork:
    file = OnnxFile(path=path, sha256=sha256)
    session = _session(file, _read(file), device)
    inputs = check_tensors(path, "input", session.get_inputs(), signature.inputs)
    check_tensors(path, "output", session.get_outputs(), signature.outputs)
    return OnnxNetwork(file, signature, inputs, session)


def _read(file: OnnxFile) -> bytes:
    try:
        content = Path(file.path).read_bytes()
    except OSError as error:
        raise InputError(
            ErrorCode.INPUT_MISSING,
            f"the ONNX file {file.path} cannot be read: {error.strerror}",
            "put the weights there, or correct the path in the recipe; docs/contracts.md says where they come from",
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise InputError(
            ErrorCode.WEIGHTS_INVALID,
            f"{file.path} has SHA-256 {found}; the recipe names {file.sha256}",
            "get the file again, or name the new digest if the weights changed on purpose",
        )
    return content


def _session(file: OnnxFile, content: bytes, device: OnnxDevice) -> Any:  # noqa: ANN401 - untyped upstream
    """A session from bytes in memory: what was hashed is what runs."""
    import onnxruntime

    wanted = _PROVIDERS[device.value]
    if wanted[0] not in onnxruntime.get_available_providers():
        raise _no_device(device, f"this ONNX Runtime has {', '.join(onnxruntime.get_available_providers())}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # what goes wrong is raised, and told once
    try:
        session = onnxruntime.InferenceSession(content, options, providers=wanted)
    except _runtime_errors() as error:
        raise InputError(
            ErrorCode.WEIGHTS_INVALID,
            f"{file.path} is no ONNX network that can be run: {_first_line(error)}",
            "export it again, with its tensors inside the one file",
        ) from error
    if wanted[0] not in session.get_providers():  # the runtime falls back without a word
        raise _no_device(device, f"the network would run on {', '.join(session.get_providers())}")
    return session


def _no_device(device: OnnxDevice, instead: str) -> InputError:
    return InputError(
        ErrorCode.CONFIG_INVALID,
        f"onnx_device is {device.value}; {instead}",
        "use cpu, or an image with onnxruntime-gpu and a GPU",
    )


def _runtime_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: classes of their own without a common parent."""
    import onnxruntime.capi.onnxruntime_pybind11_state as state

    return (
        state.EPFail,
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NotImplemented,
        state.RuntimeException,
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
