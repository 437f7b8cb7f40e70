"""What weights are, told from their headers and the JSON beside them."""

from collections import Counter
from pathlib import Path

from data_contracts.checkpoint import KeyMapSummary, TensorHeader, WeightsReport
from data_contracts.errors import InputError
from data_contracts.weights import WeightsLayout
from model.checkpoints.locate import WeightsFiles, locate
from model.checkpoints.open_checkpoint import OpenCheckpoint, open_checkpoint
from model.checkpoints.source import WeightsSource, open_weights
from model.checkpoints.store import architecture_info


def inspect_weights(path: Path, layout: WeightsLayout | None = None) -> WeightsReport:
    """Layout, shapes, types, profile and key map of a file or directory; no tensor is read.

    Raises:
        InputError: a header or the record beside it is broken.
    """
    files = locate(path, layout)
    source = open_weights(files.weights)
    try:
        opened = open_checkpoint(files)
    except InputError:
        if files.layout is WeightsLayout.OURS:
            raise
        return _report(files, source, None)
    return _report(files, source, opened)


def _report(files: WeightsFiles, source: WeightsSource, opened: OpenCheckpoint | None) -> WeightsReport:
    entries = source.entries
    return WeightsReport(
        path=str(files.weights[0]),
        layout=files.layout.value if opened else "unknown",
        bytes=sum(file.stat().st_size for file in files.weights),
        parameters=sum(entry.values for entry in entries.values()),
        dtypes=dict(sorted(Counter(entry.dtype for entry in entries.values()).items())),
        numerics=opened.info.numerics if opened and opened.info else "",
        architecture=architecture_info(opened.config) if opened else None,
        key_map=_summary(opened)
        if opened
        else KeyMapSummary(used=0, known_unused={}, unknown=sorted(entries), missing=[]),
        tensors={
            name: TensorHeader(dtype=entry.dtype, shape=list(entry.shape)) for name, entry in sorted(entries.items())
        },
    )


def _summary(opened: OpenCheckpoint) -> KeyMapSummary:
    keys = opened.keys
    return KeyMapSummary(used=len(keys.used), known_unused=keys.dead, unknown=keys.unknown, missing=keys.missing)
