"""Reading a released directory of the library's layout: ``config.json`` and one or many safetensors files."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from data_contracts.errors import InputError
from model.checkpoints.header import TensorEntry, read_header
from model.codecs.strict_weights import check_entries, invalid_weights, read_tensors, shapes_of

SINGLE = "diffusion_pytorch_model.safetensors"
INDEX = "diffusion_pytorch_model.safetensors.index.json"


def read_library_config(directory: Path) -> dict[str, object]:
    """The parsed ``config.json``.

    Raises:
        InputError: it is missing or is not a JSON object.
    """
    path = directory / "config.json"
    try:
        parsed = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise invalid_weights(path, f"cannot be read: {error}") from error
    if not isinstance(parsed, dict):
        raise invalid_weights(path, "is not a JSON object")
    return parsed


def weight_files(directory: Path) -> list[Path]:
    """The safetensors files of a directory, in name order: one, or those its index names.

    Raises:
        InputError: there is neither, the index is broken, or a file it names lies elsewhere.
    """
    if not (directory / INDEX).is_file():
        return [directory / SINGLE]
    try:
        names = set(json.loads((directory / INDEX).read_text("utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise invalid_weights(directory / INDEX, f"is not an index of weights: {error!r}") from error
    for name in names:
        if Path(name).name != name:
            raise invalid_weights(directory / INDEX, f"names a file outside the directory: {name}")
    return [directory / name for name in sorted(names)]


def load_parts(directory: Path, module: nn.Module, dtype: torch.dtype, unread: Callable[[str], bool]) -> None:
    """Fill a module that was built on the meta device. All headers are checked before any tensor is read.

    Args:
        directory: of the weights.
        module: gets the tensors themselves, one file at a time.
        dtype: they are cast to.
        unread: names that stay without weights (on the meta device), though the file has them.

    Raises:
        InputError: a file is missing or broken, a name is unknown or missing, a shape differs, or values are not
            finite.
    """
    shapes = shapes_of(module)
    wanted = {name: shape for name, shape in shapes.items() if not unread(name)}
    files = {path: read_header(path) for path in weight_files(directory)}
    check_entries(directory / "weights", _joined(files), wanted, lambda name: name in shapes)
    for path, entries in files.items():
        tensors = read_tensors(path, [name for name in entries if name in wanted])
        module.load_state_dict({name: one.to(dtype) for name, one in tensors.items()}, strict=False, assign=True)


def _joined(files: dict[Path, dict[str, TensorEntry]]) -> dict[str, TensorEntry]:
    joined: dict[str, TensorEntry] = {}
    for path, entries in files.items():
        twice = sorted(joined.keys() & entries.keys())
        if twice:
            raise _twice(path, twice[0])
        joined.update(entries)
    return joined


def _twice(path: Path, name: str) -> InputError:
    return invalid_weights(path, f"key {name} is in two files")
