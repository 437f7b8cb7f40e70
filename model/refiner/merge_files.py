"""Merging adapters into a released transformer directory, one weights file at a time: 38 GB need not fit in memory."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from model.checkpoints.header import read_header
from model.codecs.strict_weights import invalid_weights, read_tensors
from model.refiner.merge import PREFIX, Adapter, CombinedReport, merge_all
from model.refiner.released_files import INDEX, weight_files


def read_adapter(path: Path, strength: float) -> Adapter:
    """An adapter file, named after itself.

    Raises:
        InputError: it is missing or broken, or a value is not finite.
    """
    return Adapter(path.stem, read_tensors(path, list(read_header(path))), strength)


def merge_directory(base: Path, adapters: Sequence[Adapter], destination: Path) -> CombinedReport:
    """Write ``base`` with the adapters merged: the same files, names, shapes and types.

    Args:
        base: a directory with ``config.json`` and safetensors files.
        adapters: every module of every one must be a weight of the base.
        destination: made if it is not there; each file appears whole or not at all.

    Raises:
        InputError: a file is missing or broken, or an adapter is malformed, names no weight of the base or does not
            fit it.
    """
    files = weight_files(base)
    destination.mkdir(parents=True, exist_ok=True)
    _check_modules(files, base, adapters)
    reports = [_merge_file(path, adapters, destination / path.name) for path in files]
    for name in ("config.json", INDEX):
        if (base / name).is_file():
            shutil.copyfile(base / name, destination / name)
    return CombinedReport(
        {key: change for report in reports for key, change in report.changed.items()},
        sorted(key for report in reports for key in report.untouched),
        {adapter.name: adapter.strength for adapter in adapters},
    )


def _check_modules(files: Sequence[Path], base: Path, adapters: Sequence[Adapter]) -> None:
    keys = {name for path in files for name in read_header(path)}
    for adapter in adapters:
        try:
            modules = adapter.pairs()
        except ValueError as error:
            raise invalid_weights(base / adapter.name, str(error)) from error
        for module in modules:
            if f"{module}.weight" not in keys:
                raise invalid_weights(base / adapter.name, f"names {module}; the base has no {module}.weight")


def _merge_file(path: Path, adapters: Sequence[Adapter], destination: Path) -> CombinedReport:
    from safetensors.torch import save_file

    base = read_tensors(path, list(read_header(path)))
    own = [replace(adapter, weights=_restricted(adapter, base)) for adapter in adapters]
    try:
        merged, report = merge_all(base, own)
    except ValueError as error:
        raise invalid_weights(path, str(error)) from error
    scratch = destination.with_name(f".{destination.name}.partial")
    save_file(merged, scratch, metadata={"format": "pt"})
    scratch.replace(destination)
    return report


def _restricted(adapter: Adapter, base: dict[str, Tensor]) -> dict[str, Tensor]:
    """The adapter's tensors of modules whose weight this file holds."""
    return {key: value for key, value in adapter.weights.items() if f"{_module(key)}.weight" in base}


def _module(key: str) -> str:
    stem = key.removeprefix(PREFIX)
    for end in (".lora_A.weight", ".lora_B.weight", ".alpha"):
        stem = stem.removesuffix(end)
    return stem
