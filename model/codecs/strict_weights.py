"""Reading a safetensors file against what a network wants: each key is used, known to be unused, or an error."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from torch import Tensor, nn

from data_contracts.errors import ErrorCode, InputError
from model.checkpoints.header import TensorEntry, read_header

_FIX = "`wm weights inspect` lists the file's keys; pass the file this network was released with"


def no_name(name: str) -> bool:
    """The set of no names."""
    del name
    return False


def read_strict(
    path: Path, wanted: Mapping[str, tuple[int, ...]], unused: Callable[[str], bool] = no_name
) -> dict[str, Tensor]:
    """The wanted tensors of a file, under their names there. The header is checked before any tensor is read.

    Args:
        path: a safetensors file.
        wanted: name -> shape.
        unused: tells names that the file may hold and nobody reads.

    Raises:
        InputError: the file is missing or broken, a name is unknown or missing, a shape differs, or a value of a
            tensor is not finite.
    """
    check_entries(path, read_header(path), wanted, unused)
    return read_tensors(path, wanted)


def check_entries(
    path: Path,
    entries: Mapping[str, TensorEntry],
    wanted: Mapping[str, tuple[int, ...]],
    unused: Callable[[str], bool] = no_name,
) -> None:
    """Compare the header of a file with what is wanted.

    Raises:
        InputError: naming the first keys that are unknown, missing or of another shape.
    """
    unknown = sorted(name for name in entries if name not in wanted and not unused(name))
    missing = sorted(name for name in wanted if name not in entries)
    for problem, names in (("unknown", unknown), ("missing", missing)):
        if names:
            raise invalid_weights(path, f"{len(names)} keys are {problem}, first {', '.join(names[:3])}")
    for name, shape in wanted.items():
        if entries[name].shape != shape:
            raise invalid_weights(path, f"key {name} has shape {entries[name].shape}, expected {shape}")


def read_tensors(path: Path, names: Iterable[str]) -> dict[str, Tensor]:
    """Named tensors of a file whose header was checked.

    Raises:
        InputError: a value is not finite.
    """
    from safetensors import safe_open

    tensors: dict[str, Tensor] = {}
    with safe_open(path, framework="pt") as file:
        for name in names:
            tensors[name] = file.get_tensor(name)
            if tensors[name].is_floating_point() and not bool(tensors[name].isfinite().all()):
                raise invalid_weights(path, f"key {name} has values that are not finite")
    return tensors


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Name -> shape of everything a module stores."""
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def invalid_weights(path: Path, message: str) -> InputError:
    """The error of a weights file or its directory, naming both."""
    return InputError(ErrorCode.WEIGHTS_INVALID, f"{path.parent.name}/{path.name}: {message}", _FIX)
