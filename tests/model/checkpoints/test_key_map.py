"""The released key map is exact in both directions, and every key it does not read has a reason."""

import json
from pathlib import Path

import pytest
import torch

from data_contracts.weights import WeightsLayout
from model.backbone import SanaWM
from model.checkpoints.export import named_for
from model.checkpoints.layout import DIALECTS, DIFFUSERS, RELEASED, map_keys
from model.checkpoints.sizes import config_from_shapes
from model.config import paper, tiny, v2

VECTORS = Path(__file__).parents[4] / "shared" / "vectors"


@pytest.fixture(scope="module")
def released() -> dict[str, tuple[int, ...]]:
    file = VECTORS / "released_dit_keys.json"
    if not file.is_file():
        pytest.skip("the recorded vectors are not beside the repository")
    return {name: tuple(shape) for name, shape in json.loads(file.read_text()).items()}


@pytest.fixture(scope="module")
def backbone() -> SanaWM:
    with torch.device("meta"):
        return SanaWM(paper(), v2())


def test_the_paper_preset_exports_exactly_the_872_released_keys(released, backbone) -> None:
    tensors, _ = named_for(RELEASED, paper(), backbone.state_dict(), {})
    assert len(released) == 872
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == released
    assert all(tensor.is_meta for tensor in tensors.values())


def test_the_released_network_has_2_662_billion_parameters_without_unused_buffers(released) -> None:
    buffers = {"pos_embed", "y_embedder.y_embedding"} | {name for name in released if name.endswith("recall_gate")}
    counted = sum(torch.Size(shape).numel() for name, shape in released.items() if name not in buffers)
    assert round(counted / 1e9, 3) == 2.662


def test_every_released_key_is_used_or_unused_for_a_reason(released, backbone) -> None:
    assert config_from_shapes(released) == paper()
    keys = map_keys(released, backbone.state_dict(), paper().softmax_blocks)
    assert (keys.unknown, keys.missing) == ([], [])
    assert len(keys.used) + len(keys.dead) == 872
    assert all(keys.dead.values())
    # Two buffers, the raymap embedder, a recall gate per block, and six gate tensors per softmax block.
    assert len(keys.dead) == 2 + 2 + 20 + 5 * 6


def test_the_recorded_tiny_keys_are_understood() -> None:
    file = VECTORS / "tiny_keys.json"
    if not file.is_file():
        pytest.skip("the recorded vectors are not beside the repository")
    shapes = {name: tuple(shape) for name, shape in json.loads(file.read_text()).items()}
    config = config_from_shapes(shapes)
    assert (config.hidden, config.heads, config.depth, config.softmax_blocks) == (112, 2, 4, (3,))


@pytest.mark.parametrize("layout", list(WeightsLayout))
def test_names_survive_both_directions(layout: WeightsLayout) -> None:
    dialect = DIALECTS[layout]
    with torch.device("meta"):
        names = list(SanaWM(tiny(), v2()).state_dict())
    assert [dialect.ours(dialect.theirs(name)) for name in names] == names


def test_diffusers_names_the_timestep_embedder_otherwise() -> None:
    assert DIFFUSERS.theirs("t_embedder.mlp.2.bias") == "t_embedder.linear_2.bias"
    assert RELEASED.ours("model.t_embedder.mlp.2.bias") == "t_embedder.mlp.2.bias"


def test_a_name_twice_under_two_prefixes_is_unknown_once() -> None:
    keys = map_keys(["a", "model.a"], ["a"], ())
    assert keys.used == {"a": "a"}
    assert keys.unknown == ["model.a"]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("blocks.1.scale_shift_table", (6, 5)),
        ("x_embedder.proj.weight", (128, 7, 1, 1, 1)),
        ("blocks.0.attn.A_log", (9,)),
        ("blocks.2.mlp.point_conv.conv.weight", (128, 5, 1, 1)),
        ("blocks.9.attn.qkv.weight", (3, 3)),
        ("blocks.4.attn.qkv.weight", (3, 3)),
    ],
)
def test_one_odd_tensor_does_not_change_the_sizes(name: str, shape: tuple[int, ...]) -> None:
    with torch.device("meta"):
        tensors, _ = named_for(RELEASED, tiny(), SanaWM(tiny(), v2()).state_dict(), {})
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    assert config_from_shapes(shapes | {name: shape}) == tiny()


def test_shapes_that_tell_nothing_are_errors() -> None:
    with pytest.raises(KeyError, match="blocks"):
        config_from_shapes({"a": (1,)})
    with torch.device("meta"):
        names = SanaWM(tiny(), v2()).state_dict()
    with pytest.raises(KeyError, match="A_log"):
        config_from_shapes({name: tuple(one.shape) for name, one in names.items() if ".attn." not in name})
