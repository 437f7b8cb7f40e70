import json
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import load_file, save_file

from data_contracts.errors import InputError
from model.codecs.gemma3 import AllLayerStates
from model.refiner.caption_features import RefinerTextEncoder, load_connectors
from model.refiner.inference import BlockRefiner
from model.refiner.merge import Adapter, merge_all
from model.refiner.merge_files import merge_directory, read_adapter
from model.refiner.plan import RefinerPlan
from model.refiner.released import is_audio, load_released_refiner
from model.refiner.released_files import INDEX, SINGLE, weight_files
from model.refiner.transformer import RefinerConfig, RefinerText, build_refiner
from model.refiner.video_stream import VideoStream

CONFIG = RefinerConfig(2, 12, 24, 2, 8, 2, 6, 12)
MODULE = "transformer_blocks.1.attn1.to_q"


@pytest.fixture(scope="module")
def network():
    return build_refiner(CONFIG, seed=0).eval()


@pytest.fixture(params=["one file", "many files"])
def directory(network, tmp_path, request):
    network.save_pretrained(tmp_path, max_shard_size="60KB" if request.param == "many files" else "1GB")
    return tmp_path


def test_released_directory_loads_and_refines_without_its_audio_weights(network, directory):
    loaded = load_released_refiner(directory, torch.float32)
    assert (directory / INDEX).is_file() == (len(weight_files(directory)) > 1)
    placed = {name for name, value in loaded.state_dict().items() if not value.is_meta}
    assert placed == {name for name in network.state_dict() if not is_audio(name)}
    text = RefinerText(torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(0)), torch.ones(1, 4))
    coarse, noise = torch.randn(2, 1, 128, 4, 2, 2, generator=torch.Generator().manual_seed(1))
    refined = [
        BlockRefiner(VideoStream(one), text, RefinerPlan(16.0)).refine_next(coarse, noise) for one in (network, loaded)
    ]
    assert (refined[0] - refined[1]).abs().max() < 1e-5


def test_every_key_is_used_or_an_error(directory):
    path = weight_files(directory)[-1]
    whole = load_file(path)
    name = next(name for name in whole if not is_audio(name))
    for tensors, message in (
        ({key: value for key, value in whole.items() if key != name}, f"missing, first {name}"),
        (whole | {"lora.weight": torch.zeros(1)}, r"unknown, first lora\.weight"),
        (whole | {name: torch.zeros(3, 3, 3)}, r"shape \(3, 3, 3\)"),
        (whole | {name: torch.full_like(whole[name], torch.nan)}, "not finite"),
    ):
        save_file(tensors, path)
        with pytest.raises(InputError, match=message):
            load_released_refiner(directory)


def test_a_broken_directory_is_an_input_error(network, tmp_path):
    with pytest.raises(InputError, match=r"config\.json"):
        load_released_refiner(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(asdict(CONFIG)))
    with pytest.raises(InputError, match=SINGLE):
        load_released_refiner(tmp_path)
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {"proj_in.weight": "../elsewhere.safetensors"}}))
    with pytest.raises(InputError, match="outside the directory"):
        load_released_refiner(tmp_path)


def _adapter(name, seed, shape=(24, 24), rank=4, strength=1.0, module=MODULE):
    generator = torch.Generator().manual_seed(seed)
    down, up = torch.randn(rank, shape[1], generator=generator), torch.randn(shape[0], rank, generator=generator)
    prefix = f"diffusion_model.{module}"
    return Adapter(name, {f"{prefix}.lora_A.weight": down, f"{prefix}.lora_B.weight": up}, strength)


def _product(adapter):
    ((down, up),) = adapter.pairs().values()
    return adapter.strength * (up @ down)


def test_two_adapters_are_summed_in_float32_and_cast_once():
    key = f"{MODULE}.weight"
    base = {key: torch.randn(24, 24, generator=torch.Generator().manual_seed(0)).bfloat16(), "other": torch.zeros(2)}
    long, distilled = _adapter("long", 1, strength=0.5), _adapter("distilled", 2, strength=1.0)
    merged, report = merge_all(base, [long, distilled])
    exact = base[key].float() + _product(long) + _product(distilled)
    assert merged[key].dtype == torch.bfloat16
    assert torch.equal(merged[key], exact.bfloat16())
    one_by_one = ((base[key].float() + _product(long)).bfloat16().float() + _product(distilled)).bfloat16()
    assert not torch.equal(merged[key], one_by_one)
    assert merged["other"] is base["other"]
    assert report.untouched == ["other"]
    assert report.strengths == {"long": 0.5, "distilled": 1.0}
    change = report.changed[key]
    assert change.parts["long"] == pytest.approx(float(_product(long).norm() / base[key].float().norm()), rel=1e-5)
    assert 0 < change.lost < 0.01


def test_a_merge_that_rounds_away_says_so():
    key = f"{MODULE}.weight"
    _, report = merge_all({key: torch.ones(24, 24).bfloat16()}, [_adapter("faint", 1, strength=1e-5)])
    assert report.changed[key].lost == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("adapters", "message"),
    [
        ([_adapter("a", 1), _adapter("a", 2)], "different names"),
        ([_adapter("a", 1, module="absent")], "the base has no absent.weight"),
        ([_adapter("a", 1, shape=(8, 24))], "makes 8x24"),
        ([Adapter("a", {"diffusion_model.x.lora_A.weight": torch.zeros(2, 2)}, 1.0)], "needs"),
        ([Adapter("a", {"diffusion_model.x.lora_B.weight": torch.zeros(2, 2)}, 1.0)], "not half of a pair"),
        ([Adapter("a", dict(_adapter("a", 1).weights) | {f"{MODULE}.dora": torch.zeros(1)}, 1.0)], "not half"),
        (
            [
                Adapter(
                    "a", dict(_adapter("a", 1).weights) | {f"diffusion_model.{MODULE}.alpha": torch.tensor(8.0)}, 1.0
                )
            ],
            "alpha 8.0 and rank 4",
        ),
    ],
)
def test_adapters_that_do_not_fit_are_refused(adapters, message):
    with pytest.raises(ValueError, match=message):
        merge_all({f"{MODULE}.weight": torch.zeros(24, 24)}, adapters)


def test_a_directory_is_merged_file_by_file(network, directory, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("adapters")
    adapters = []
    for name, seed, strength in (("long", 1, 1.0), ("distilled", 2, 0.5)):
        save_file(dict(_adapter(name, seed).weights), scratch / f"{name}.safetensors")
        adapters.append(read_adapter(scratch / f"{name}.safetensors", strength))
    report = merge_directory(directory, adapters, scratch / "merged")
    merged = load_released_refiner(scratch / "merged", torch.float32).state_dict()
    expected, whole = merge_all(network.state_dict(), adapters)
    assert report == whole
    for name, value in merged.items():
        assert value.is_meta or torch.equal(value, expected[name])
    with pytest.raises(InputError, match=r"the base has no absent\.weight"):
        merge_directory(directory, [_adapter("a", 1, module="absent")], scratch / "other")


class _Fixed:
    """A text model whose states are given."""

    def __init__(self, found):
        self._found = found

    def encode(self, texts):
        return self._found if texts else None


def test_captions_are_standardized_layer_by_layer_over_their_real_tokens(tmp_path):
    from diffusers.pipelines.ltx2 import LTX2TextConnectors

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        connectors = LTX2TextConnectors(
            caption_channels=16,
            text_proj_in_factor=3,
            video_connector_num_attention_heads=2,
            video_connector_attention_head_dim=8,
            video_connector_num_layers=1,
            video_connector_num_learnable_registers=4,
            audio_connector_num_attention_heads=2,
            audio_connector_attention_head_dim=8,
            audio_connector_num_layers=1,
            audio_connector_num_learnable_registers=4,
            connector_rope_base_seq_len=32,
        )
    connectors.save_pretrained(tmp_path)
    states = torch.randn(2, 8, 16, 3, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[0] * 3 + [1] * 5, [0] * 6 + [1] * 2])
    loaded = load_connectors(tmp_path)
    read = []
    loaded.text_proj_in.register_forward_pre_hook(lambda _module, inputs: read.append(inputs[0]))
    text = RefinerTextEncoder(_Fixed(AllLayerStates(states, mask)), loaded).encode(["a", "b"])
    assert text.states.shape == (2, 8, 16)
    assert text.mask.tolist() == [[1.0] * 8] * 2  # registers stand where padding was
    real = states[1, 6:]
    mean, low, high = real.mean((0, 1)), real.amin((0, 1)), real.amax((0, 1))
    assert torch.allclose(read[0][1, 6:], (8 * (real - mean) / (high - low)).flatten(1), atol=1e-4)
    assert read[0][1, :6].abs().sum() == 0
    moved = states.clone()
    moved[1, :6] += 5  # padding
    again = RefinerTextEncoder(_Fixed(AllLayerStates(moved, mask)), loaded).encode(["a", "b"])
    assert torch.allclose(again.states, text.states, atol=1e-6)
