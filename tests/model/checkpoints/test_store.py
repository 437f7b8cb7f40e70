"""Checkpoints come back bit for bit, and nothing that does not fit is let in."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_backbone import SMALL, parameters_equal, random_backbone

from data_contracts.errors import InputError
from model.checkpoints import checkpoint_info, load_checkpoint, load_released, save_checkpoint
from model.checkpoints.inspect import inspect_weights
from model.config import v1


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model = random_backbone()
    save_checkpoint(tmp_path, model, checkpoint_info(model, stage="frame_gdn", parent_digest="ab"))
    return tmp_path


def test_round_trip_and_equal_bytes(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    model, info = load_checkpoint(saved)
    assert parameters_equal(model, random_backbone())
    assert (info.stage, info.parent_digest, info.numerics) == ("frame_gdn", "ab", "v2")
    again = tmp_path_factory.mktemp("again")
    save_checkpoint(again, model, info)
    for name in ("model.safetensors", "model.json"):
        assert (saved / name).read_bytes() == (again / name).read_bytes()


def test_info_of_another_architecture_is_refused(tmp_path: Path) -> None:
    other = random_backbone(replace(SMALL, depth=3))
    with pytest.raises(ValueError, match="info describes"):
        save_checkpoint(tmp_path, random_backbone(), checkpoint_info(other))


@pytest.mark.parametrize("change", ["unknown", "missing", "shape"])
def test_keys_that_do_not_fit_are_errors(saved: Path, change: str) -> None:
    weights = load_file(saved / "model.safetensors")
    if change == "unknown":
        weights["blocks.0.attn.extra"] = torch.zeros(1)
    elif change == "missing":
        del weights["blocks.0.attn.qkv.weight"]
    else:
        weights["blocks.0.attn.A_log"] = torch.zeros(5)
    save_file(weights, saved / "model.safetensors")
    with pytest.raises(InputError, match=r"unknown|missing|has shape"):
        load_checkpoint(saved)


def test_missing_and_broken_files_are_input_errors(saved: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_checkpoint(saved / "nowhere")
    (saved / "model.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match="not a safetensors file"):
        load_checkpoint(saved)
    (saved / "model.json").write_text('{"format_version": 1, "surprise": 2}')
    with pytest.raises(InputError, match=r"model\.json: field"):
        load_checkpoint(saved)


def test_released_files_may_carry_a_prefix_and_dead_keys(tmp_path: Path) -> None:
    model = random_backbone()
    dead = {
        "pos_embed": torch.zeros(1, 4, 32),
        "y_embedder.y_embedding": torch.zeros(4, 8),
        "blocks.1.attn.recall_gate": torch.zeros(1),
        "blocks.1.attn.A_log": torch.zeros(2),
    }
    weights = {f"model.{name}": tensor.contiguous() for name, tensor in (model.state_dict() | dead).items()}
    save_file(weights, tmp_path / "released.safetensors")
    loaded = load_released(tmp_path / "released.safetensors", v1())
    assert loaded.config == SMALL
    assert loaded.numerics.name == "v1"
    assert parameters_equal(loaded, model)
    report = inspect_weights(tmp_path / "released.safetensors")
    assert report.layout == "released-bidirectional"
    assert len(report.key_map.known_unused) == len(dead)
