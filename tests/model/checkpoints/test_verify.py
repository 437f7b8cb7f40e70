"""``verify`` passes sound fixtures of every layout and names the key that is missing, extra, misshaped, NaN or cut."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from data_contracts.weights import Preset, VerifyReport, WeightsLayout
from model.checkpoints import locate, verify_weights
from model.checkpoints.fixture import write_fixture

LAYOUTS = list(WeightsLayout)
KEY = "blocks.2.cross_attn.q_norm.weight"
Change = Callable[[dict[str, Tensor], str], None]


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> dict[WeightsLayout, Path]:
    root = tmp_path_factory.mktemp("fixtures")
    for layout in LAYOUTS:
        write_fixture(root / layout.value, layout, Preset.TINY, 0)
    return {layout: root / layout.value for layout in LAYOUTS}


def rewritten(directory: Path, layout: WeightsLayout, change: Change) -> str:
    """Change the tensors of the fixture in ``directory``; returns the file's name of ``KEY``."""
    file = locate(directory).weights[0]
    if layout is WeightsLayout.STREAMING:
        tensors = dict(torch.load(file, weights_only=True)["generator"])
    else:
        tensors = load_file(file)
    name = f"model.{KEY}" if layout is WeightsLayout.STREAMING else KEY
    change(tensors, name)
    if layout is WeightsLayout.STREAMING:
        torch.save({"generator": tensors}, file)
    else:
        save_file(tensors, file)
    return name


def remove(tensors: dict[str, Tensor], name: str) -> None:
    del tensors[name]


def add(tensors: dict[str, Tensor], name: str) -> None:
    tensors[f"{name}.extra"] = torch.zeros(2)


def misshape(tensors: dict[str, Tensor], name: str) -> None:
    tensors[name] = torch.zeros(7)


def spoil(tensors: dict[str, Tensor], name: str) -> None:
    tensors[name][3] = float("nan")


def retype(tensors: dict[str, Tensor], name: str) -> None:
    tensors[name] = tensors[name].to(torch.int32)


@pytest.fixture
def copied(fixtures, tmp_path) -> Callable[[WeightsLayout], Path]:
    def copy(layout: WeightsLayout) -> Path:
        import shutil

        shutil.copytree(fixtures[layout], tmp_path / layout.value)
        return tmp_path / layout.value

    return copy


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.value)
def test_a_sound_fixture_passes_and_every_tensor_is_read(layout, fixtures) -> None:
    seen: list[str] = []
    report, opened = verify_weights(fixtures[layout], tick=seen.append)
    assert report.sound, report.problems
    assert report.layout == layout.value
    assert opened is not None
    assert sorted(seen) == sorted(opened.source.entries)
    assert report.used + report.known_unused == report.tensors == len(seen)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.value)
@pytest.mark.parametrize(
    ("change", "kind", "suffix"),
    [
        (remove, "missing", ""),
        (add, "unknown", ".extra"),
        (misshape, "shape", ""),
        (spoil, "not_finite", ""),
        (retype, "dtype", ""),
    ],
    ids=["missing", "extra", "misshaped", "nan", "dtype"],
)
def test_the_key_is_named_and_no_other(layout, change, kind, suffix, copied) -> None:
    directory = copied(layout)
    name = rewritten(directory, layout, change)
    report, _ = verify_weights(directory)
    assert [(problem.key, problem.kind) for problem in report.problems] == [(name + suffix, kind)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.value)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_names_a_tensor_that_was_cut(layout, share, copied) -> None:
    file = locate(copied(layout)).weights[0]
    whole = load_keys(file)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    report: VerifyReport = verify_weights(file, layout)[0]
    assert len(report.problems) == 1
    detail = report.problems[0].detail
    assert "truncated" in detail
    assert detail.split("'")[1] in whole


def load_keys(file: Path) -> set[str]:
    if file.suffix == ".pt":
        return set(torch.load(file, weights_only=True)["generator"])
    return set(load_file(file))


@pytest.mark.parametrize(
    "key",
    ["x_embedder.proj.weight", "blocks.1.attn.conv_k.weight", "blocks.0.attn.A_log", "final_layer.linear.bias",
     "blocks.3.scale_shift_table", "t_block.1.bias", "blocks.0.attn.q_proj_cam.weight"],
)  # fmt: skip
def test_a_missing_tensor_that_tells_a_size_is_still_the_only_one_named(key, copied) -> None:
    directory = copied(WeightsLayout.BIDIRECTIONAL)
    rewritten(directory, WeightsLayout.BIDIRECTIONAL, lambda tensors, _: tensors.pop(key))
    report, _ = verify_weights(directory)
    assert [(problem.key, problem.kind) for problem in report.problems] == [(key, "missing")]
