"""Weights files opened for reading: what is in them from the headers alone, tensors one at a time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.checkpoints.header import TensorEntry, read_header
from model.checkpoints.problems import invalid_weights
from model.checkpoints.torch_archive import check_archive

GENERATOR = "generator"
TRAINING_STATE = frozenset(
    {"generator_ema", "critic", "generator_optimizer", "critic_optimizer", "optimizer", "step", "global_step", "epoch"}
)
"""What a distillation trainer saves beside the generator; the released student is its ``generator`` alone."""
DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


class WeightsSource(Protocol):
    """Names and shapes at once, tensors on demand (mapped, not copied)."""

    @property
    def entries(self) -> Mapping[str, TensorEntry]:
        """Every tensor, by the name in the file."""
        ...

    def read(self, name: str) -> Tensor:
        """One tensor, on the CPU.

        Raises:
            InputError: it cannot be read.
        """
        ...


class SafetensorsSource:
    """One safetensors file, or the shards of one.

    Args:
        files: at least one.

    Raises:
        InputError: a header is broken, or two shards hold one name.
    """

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._home: dict[str, Path] = {}
        self.entries: dict[str, TensorEntry] = {}
        for file in files:
            for name, entry in read_header(file).items():
                if name in self._home:
                    raise invalid_weights(file, f"tensor {name!r} is also in {self._home[name].name}")
                self._home[name], self.entries[name] = file, entry

    def read(self, name: str) -> Tensor:
        """One tensor."""
        try:
            with safe_open(self._home[name], framework="pt") as file:
                return file.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise invalid_weights(self._home[name], f"tensor {name!r} cannot be read: {error}") from error


class TorchSource:
    """The ``generator`` of a ``torch.save`` file, through PyTorch's weights-only unpickler, mapped.

    Args:
        file: the archive.

    Raises:
        InputError: truncated, lying about its sizes, in need of code to load, or not a dict with a ``generator``.
    """

    def __init__(self, file: Path) -> None:
        check_archive(file)
        self._tensors = _generator(file)
        self.entries = {name: _entry(file, name, tensor) for name, tensor in self._tensors.items()}

    def read(self, name: str) -> Tensor:
        """One tensor."""
        return self._tensors[name].detach()


def open_weights(files: tuple[Path, ...]) -> WeightsSource:
    """The source for files, by their suffix."""
    if files[0].suffix in {".pt", ".pth"}:
        return TorchSource(files[0])
    return SafetensorsSource(files)


def _generator(file: Path) -> dict[str, Tensor]:
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # the unpickler raises many kinds, all of them about this file
        raise invalid_weights(file, f"refused by the weights-only loader: {str(error).splitlines()[0]}") from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get(GENERATOR), dict):
        raise invalid_weights(file, f"not a dict with a {GENERATOR!r}")
    if foreign := sorted(str(name) for name in loaded if name != GENERATOR and name not in TRAINING_STATE):
        raise invalid_weights(file, f"unknown entries {', '.join(foreign[:3])} beside {GENERATOR!r}")
    return loaded[GENERATOR]


def _entry(file: Path, name: object, tensor: object) -> TensorEntry:
    if not isinstance(name, str) or not isinstance(tensor, Tensor) or tensor.dtype not in DTYPES:
        raise invalid_weights(file, f"{GENERATOR}[{name!r}] is not a plain tensor")
    return TensorEntry(DTYPES[tensor.dtype], tuple(tensor.shape), 0, tensor.numel() * tensor.element_size())
