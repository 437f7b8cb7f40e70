"""Any layout to any other and back: no value changes, and what cannot be kept is said."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_backbone import SMALL, parameters_equal, random_backbone

from data_contracts.errors import InputError
from data_contracts.weights import Preset, WeightsLayout
from model.backbone import SanaWM
from model.checkpoints import (
    checkpoint_info,
    convert_weights,
    load_checkpoint,
    locate,
    open_checkpoint,
    save_checkpoint,
)
from model.checkpoints.fixture import write_fixture

LAYOUTS = list(WeightsLayout)


@pytest.fixture(scope="module")
def model() -> SanaWM:
    return random_backbone()


@pytest.fixture(scope="module")
def written(model: SanaWM, tmp_path_factory: pytest.TempPathFactory) -> dict[WeightsLayout, Path]:
    """One network in every layout."""
    root = tmp_path_factory.mktemp("layouts")
    ours = root / WeightsLayout.OURS.value
    save_checkpoint(ours, model, checkpoint_info(model, stage="frame_gdn"))
    for layout in LAYOUTS[1:]:
        convert_weights(locate(ours), root / layout.value, layout)
    return {layout: root / layout.value for layout in LAYOUTS}


@pytest.mark.parametrize(("source", "target"), list(product(LAYOUTS, LAYOUTS)), ids=lambda one: one.value)
def test_every_pair_keeps_every_bit(source, target, written, model, tmp_path) -> None:
    report = convert_weights(locate(written[source]), tmp_path, target)
    assert (report.source_layout, report.layout) == (source, target)
    back = open_checkpoint(locate(tmp_path))
    assert back.files.layout is target
    assert parameters_equal(back.model(), model)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.value)
def test_the_layout_is_found_from_directory_and_file(layout, written) -> None:
    found = locate(written[layout])
    assert found.layout is layout
    assert locate(found.weights[0]).layout is layout
    assert locate(written[layout], layout) == found


def test_the_profile_and_the_schedule_follow_the_layout(written, tmp_path) -> None:
    for layout, (numerics, chunk, sigmas) in {
        WeightsLayout.BIDIRECTIONAL: ("v2", 0, 0),
        WeightsLayout.CHUNK_CAUSAL: ("v2", 3, 0),
        WeightsLayout.STREAMING: ("v2", 3, 4),
        WeightsLayout.DIFFUSERS: ("diffusers", 0, 0),
    }.items():
        convert_weights(locate(written[layout]), tmp_path / layout, WeightsLayout.OURS)
        _, info = load_checkpoint(tmp_path / layout)
        assert (info.numerics, info.chunk_frames, len(info.sigmas)) == (numerics, chunk, sigmas)
    convert_weights(locate(written[WeightsLayout.BIDIRECTIONAL]), tmp_path / "v1", WeightsLayout.OURS, "v1")
    assert load_checkpoint(tmp_path / "v1")[1].numerics == "v1"


def test_known_unused_values_are_carried_between_their_layouts(written, tmp_path) -> None:
    file = locate(written[WeightsLayout.BIDIRECTIONAL]).weights[0]
    weights = load_file(file)
    weights["raymap_embedder.proj.bias"] = torch.arange(32.0)
    save_file(weights, tmp_path / "released.safetensors")
    report = convert_weights(locate(tmp_path / "released.safetensors"), tmp_path, WeightsLayout.DIFFUSERS)
    assert report.dropped == ["pos_embed", "y_embedder.y_embedding"]
    assert not report.placeholders
    carried = load_file(tmp_path / "transformer" / "diffusion_pytorch_model.safetensors")
    assert torch.equal(carried["raymap_embedder.proj.bias"], torch.arange(32.0))


def test_placeholders_and_mode_changes_are_told(written, tmp_path) -> None:
    report = convert_weights(locate(written[WeightsLayout.OURS]), tmp_path, WeightsLayout.STREAMING)
    assert "y_embedder.y_embedding" in report.placeholders
    assert any("trained with all frames together" in note for note in report.notes)
    assert any("profile v2" in note for note in report.notes)


def test_what_a_layout_cannot_hold_is_refused(tmp_path) -> None:
    for config, field in (
        (replace(SMALL, camera_branch=False), "camera_branch=False"),
        (replace(SMALL, depth=3, softmax_blocks=(1, 2)), "softmax_blocks"),
    ):
        model = random_backbone(config)
        save_checkpoint(tmp_path / field, model, checkpoint_info(model))
        with pytest.raises(InputError, match=field):
            convert_weights(locate(tmp_path / field), tmp_path / "out", WeightsLayout.DIFFUSERS)
        assert not (tmp_path / "out").exists()


def test_the_source_is_never_overwritten(written) -> None:
    with pytest.raises(InputError, match="is what is read"):
        convert_weights(locate(written[WeightsLayout.OURS]), written[WeightsLayout.OURS], WeightsLayout.OURS)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.value)
def test_fixtures_are_equal_by_seed(layout, tmp_path) -> None:
    names = write_fixture(tmp_path / "a", layout, Preset.TINY, 0)
    assert write_fixture(tmp_path / "b", layout, Preset.TINY, 0) == names
    write_fixture(tmp_path / "c", layout, Preset.TINY, 1)
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    assert (tmp_path / "a" / names[0]).read_bytes() != (tmp_path / "c" / names[0]).read_bytes()


def test_nothing_of_a_known_layout_is_an_error(tmp_path, written) -> None:
    with pytest.raises(InputError, match="holds none of"):
        locate(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        locate(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds none of .*model\.pt"):
        locate(written[WeightsLayout.OURS], WeightsLayout.STREAMING)
