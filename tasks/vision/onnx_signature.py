"""What an ONNX network must read and write, and whether a file does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from data_contracts.errors import ErrorCode, InputError

FLOAT32 = "tensor(float)"  # ONNX Runtime's name of the only element type that is taken

Axes = tuple[int | None, ...]


class FileTensor(Protocol):
    """An input or output as ONNX Runtime shows it; a size is a number, or a name or None where it is free."""

    @property
    def name(self) -> str:
        """Name in the file."""
        ...

    @property
    def type(self) -> str:
        """Element type, as ``tensor(float)``."""
        ...

    @property
    def shape(self) -> Sequence[int | str | None]:
        """Size of each axis."""
        ...


@dataclass(frozen=True)
class TensorLayout:
    """A tensor of float32. ``name`` is empty where its place decides; an axis is None where any size will do."""

    name: str
    axes: Axes


@dataclass(frozen=True)
class Signature:
    """What a network must read and write, in order."""

    inputs: tuple[TensorLayout, ...]
    outputs: tuple[TensorLayout, ...]


def check_tensors(
    path: str, kind: str, actual: Sequence[FileTensor], declared: Sequence[TensorLayout]
) -> tuple[Axes, ...]:
    """The sizes that a file fixes (None = free), one entry a tensor.

    Args:
        path: the file, for messages.
        kind: ``input`` or ``output``, for messages.
        actual: what the file has, in its order.
        declared: what it must have.

    Raises:
        InputError: number, name, element type, rank or a size differs; the message says which.
    """
    names = [tensor.name for tensor in actual]
    if len(actual) != len(declared):
        raise _unlike(path, f"has {len(actual)} {kind}s {names}; it must have {len(declared)}")
    found: list[Axes] = []
    for tensor, layout in zip(actual, declared, strict=True):
        stated = tensor.shape or [None] * len(layout.axes)  # no shape at all: a run shows what it is
        axes = tuple(size if isinstance(size, int) else None for size in stated)
        if layout.name and tensor.name != layout.name:
            raise _unlike(path, f"has the {kind}s {names}; they must be {[one.name for one in declared]}")
        if tensor.type != FLOAT32:
            raise _unlike(path, f"{kind} {tensor.name} is {tensor.type}; it must be {FLOAT32}")
        if not fits(axes, layout.axes):
            raise _unlike(path, f"{kind} {tensor.name} is {shown(axes)}; it must be {shown(layout.axes)}")
        found.append(axes)
    return tuple(found)


def fits(axes: Axes, declared: Axes) -> bool:
    """Equal rank, and equal sizes where both sides state one."""
    if len(axes) != len(declared):
        return False
    return all(None in (size, asked) or size == asked for size, asked in zip(axes, declared, strict=True))


def shown(axes: Axes) -> str:
    """Sizes as a message shows them."""
    return "[" + ", ".join("any" if size is None else str(size) for size in axes) + "]"


def _unlike(path: str, what: str) -> InputError:
    return InputError(ErrorCode.WEIGHTS_INVALID, f"{path} {what}", "export the network as docs/contracts.md lists it")
