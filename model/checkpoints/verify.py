"""Every check a weights file can be put to: all problems, each with its key, not only the first."""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from data_contracts.errors import InputError
from data_contracts.weights import KeyProblem, VerifyReport, WeightsLayout
from model.checkpoints.locate import locate
from model.checkpoints.open_checkpoint import OpenCheckpoint, expected_shapes, open_checkpoint

FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
Tick = Callable[[str], None]


def verify_weights(
    path: Path, layout: WeightsLayout | None = None, tick: Tick = lambda _: None
) -> tuple[VerifyReport, OpenCheckpoint | None]:
    """Read every tensor of the weights at ``path``.

    Args:
        path: file or directory.
        layout: what it must be; None finds out.
        tick: told the name of each tensor that was read.

    Returns:
        the report, and the opened checkpoint unless its headers could not be read.
    """
    try:
        opened = open_checkpoint(locate(path, layout))
    except InputError as error:
        broken = KeyProblem(key="", kind="file", detail=error.message)
        stated = layout.value if layout else "unknown"
        return VerifyReport(path=str(path), layout=stated, tensors=0, used=0, known_unused=0, problems=[broken]), None
    problems = [*_names(opened), *_shapes(opened), *_values(opened, tick)]
    report = VerifyReport(
        path=str(path),
        layout=opened.files.layout.value,
        tensors=len(opened.source.entries),
        used=len(opened.keys.used),
        known_unused=len(opened.keys.dead),
        problems=problems,
    )
    return report, opened


def _names(opened: OpenCheckpoint) -> Iterator[KeyProblem]:
    for key in opened.keys.missing:
        yield KeyProblem(key=opened.dialect.theirs(key), kind="missing", detail="the network needs it")
    for name in opened.keys.unknown:
        yield KeyProblem(key=name, kind="unknown", detail="neither used nor known to be unused")


def _shapes(opened: OpenCheckpoint) -> Iterator[KeyProblem]:
    shapes = expected_shapes(opened.config)
    for key, name in opened.keys.used.items():
        entry = opened.source.entries[name]
        if entry.shape != shapes[key]:
            detail = f"has {list(entry.shape)}, expected {list(shapes[key])}"
            yield KeyProblem(key=name, kind="shape", detail=detail)
        if entry.dtype not in FLOATS:
            detail = f"is {entry.dtype}, expected one of {', '.join(sorted(FLOATS))}"
            yield KeyProblem(key=name, kind="dtype", detail=detail)


def _values(opened: OpenCheckpoint, tick: Tick) -> Iterator[KeyProblem]:
    """Tensors with values that are not finite; unused ones too, for they show that a file is damaged."""
    for name in sorted(opened.source.entries):
        tensor = opened.source.read(name)
        tick(name)
        if tensor.is_floating_point() and tensor.element_size() > 1:
            wrong = int((~torch.isfinite(tensor)).sum())
            if wrong:
                detail = f"{wrong} of {tensor.numel()} values are not finite"
                yield KeyProblem(key=name, kind="not_finite", detail=detail)
