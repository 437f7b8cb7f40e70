"""A released repository becomes a pipeline: every layout, parts from elsewhere, missing parts named, memory told."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from data_contracts.errors import ErrorCode, InputError
from data_contracts.weights import WeightsLayout
from data_contracts.wire import GenerationMode
from model.checkpoints.header import read_header
from model.checkpoints.open_checkpoint import open_checkpoint
from model.codecs.ltx2_vae import Tiling, load_ltx2_encoder, load_ltx2_vae
from model.generation.action_path import read_action
from model.generation.first_frame import default_intrinsics
from model.generation.placement import Placement
from model.generation.released.fixture import write_release_fixture
from model.generation.released.loading import backbone_version, load_released, released_digests, used_files
from model.generation.released.parts import REFINER_PARTS, Part, find_parts
from model.generation.released.preflight import released_need
from model.generation.released.settings import MODES, ReleasedRun
from model.generation.request import GenerationRequest

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = Placement(torch.device("cpu"))
HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    root = tmp_path_factory.mktemp("releases")
    for layout in MODES:
        write_release_fixture(root / layout.value, layout, seed=1)
    return {layout: root / layout.value for layout in MODES}


def chosen(layout, **changes):
    return replace(ReleasedRun(MODES[layout], height=HEIGHT, width=WIDTH), **changes)


def request(mode, frames=25, **changes):
    poses = read_action(f"w-{frames - 1}", 2).camera_to_world[:frames]
    lenses = np.tile(default_intrinsics(HEIGHT, WIDTH), (frames, 1))
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    base = GenerationRequest(picture, "a red brick wall", poses, lenses, 7, mode, 2, refine=True)
    return replace(base, **changes)


def pipeline(parts, run, *, refine=True):
    digests = released_digests(parts, refine=refine)
    return load_released(parts, run, CPU, digests, refine=refine)


@pytest.mark.parametrize("layout", list(MODES), ids=lambda one: one.value)
def test_every_layout_makes_a_video_in_its_own_mode(releases, layout):
    parts = find_parts(releases[layout])
    assert parts.backbone.layout is layout
    assert parts.refinable
    made = pipeline(parts, chosen(layout))
    wanted = request(MODES[layout])
    frames = made.generate(wanted)
    assert frames.shape == (25, HEIGHT, WIDTH, 3)
    assert frames.std() > 0
    assert np.array_equal(frames, made.generate(wanted))
    assert not np.array_equal(frames, made.generate(replace(wanted, refine=False)))
    assert not np.array_equal(frames, made.generate(replace(wanted, prompt="a stone hall")))


def test_the_refiner_streams_in_blocks_or_takes_the_whole_clip(releases):
    passes = {}
    for layout in (WeightsLayout.STREAMING, WeightsLayout.BIDIRECTIONAL):
        made = pipeline(find_parts(releases[layout]), chosen(layout))
        passes[layout] = made.refiner.passes(7)
    assert passes == {WeightsLayout.STREAMING: 1 + 2 * 4, WeightsLayout.BIDIRECTIONAL: 3}


def test_parts_come_from_other_directories_and_change_nothing(releases, tmp_path):
    source, layout = releases[WeightsLayout.CHUNK_CAUSAL], WeightsLayout.CHUNK_CAUSAL
    checkpoint, other = tmp_path / "checkpoint", tmp_path / "other"
    shutil.copytree(source / "dit", checkpoint / "dit")
    shutil.copyfile(source / "config.yaml", checkpoint / "config.yaml")
    for name in ("vae", "refiner"):
        shutil.copytree(source / name, other / name)
    gemma = tmp_path / "any name"
    shutil.copytree(source / "gemma-2-2b-it", gemma)
    parts = find_parts(checkpoint, [other, gemma])
    assert parts.found[Part.TEXT_ENCODER] == gemma
    whole = find_parts(source)
    wanted = request(GenerationMode.TEACHER, frames=9)
    run = chosen(layout)
    assert np.array_equal(pipeline(parts, run).generate(wanted), pipeline(whole, run).generate(wanted))
    assert released_digests(parts, refine=True) == released_digests(whole, refine=True)


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ("config.yaml", "instruction before prompts"),
        ("gemma-2-2b-it", "Gemma-2"),
        ("ltx2_causal_vae", "the VAE"),
        ("refiner_diffusers/connectors", "text connectors"),
        ("gemma3_12b", "Gemma-3"),
    ],
)
def test_a_missing_part_is_named_with_where_it_was_looked_for(releases, tmp_path, gone, named):
    directory = tmp_path / "release"
    shutil.copytree(releases[WeightsLayout.STREAMING], directory)
    target = directory / gone
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    parts = find_parts(directory)
    assert parts.refinable == (not gone.startswith(("refiner", "gemma3")))
    with pytest.raises(InputError, match=named) as caught:
        pipeline(parts, chosen(WeightsLayout.STREAMING))
    assert caught.value.code is ErrorCode.WEIGHTS_INVALID
    assert str(directory) in str(caught.value)


def test_what_is_no_release_is_refused(releases, tmp_path):
    with pytest.raises(InputError, match="is not a directory"):
        find_parts(tmp_path / "absent")
    with pytest.raises(InputError, match="holds none of"):
        find_parts(tmp_path)
    with pytest.raises(InputError, match="is not a directory"):
        find_parts(releases[WeightsLayout.STREAMING], [tmp_path / "absent"])


def test_streaming_needs_a_causal_decoder(releases):
    layout = WeightsLayout.BIDIRECTIONAL
    made = pipeline(find_parts(releases[layout]), chosen(layout, mode=GenerationMode.STREAMING))
    assert GenerationMode.STREAMING not in made.card.modes
    with pytest.raises(InputError, match="mode is streaming"):
        made.generate(request(GenerationMode.STREAMING))
    both = find_parts(releases[layout], [releases[WeightsLayout.STREAMING]])
    assert pipeline(both, chosen(layout, mode=GenerationMode.STREAMING)).generate(
        request(GenerationMode.STREAMING)
    ).shape == (25, HEIGHT, WIDTH, 3)


def test_a_text_encoder_of_other_channels_is_refused(releases, tmp_path):
    directory = tmp_path / "release"
    shutil.copytree(releases[WeightsLayout.STREAMING], directory)
    from transformers import Gemma2Config, Gemma2ForCausalLM

    home = directory / "gemma-2-2b-it"
    sizes = {"vocab_size": 16, "hidden_size": 32, "intermediate_size": 8, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16}
    Gemma2ForCausalLM(Gemma2Config(**sizes, **heads)).save_pretrained(home)
    with pytest.raises(InputError, match="32 channels, the backbone reads 64"):
        pipeline(find_parts(directory), chosen(WeightsLayout.STREAMING))


def test_the_record_names_every_file_that_is_read(releases):
    directory = releases[WeightsLayout.STREAMING]
    parts = find_parts(directory)
    files = used_files(parts, refine=True)
    everything = {file for file in directory.rglob("*") if file.is_file()}
    assert set(files.values()) == everything
    plain = released_digests(parts, refine=False)
    assert not {part.name.lower() for part in REFINER_PARTS} & {name.split("/")[0] for name in plain}
    assert backbone_version(parts, plain) == plain["backbone/model.pt"]


def test_the_profile_can_be_chosen(releases):
    layout = WeightsLayout.STREAMING
    for numerics in (None, "v1"):
        made = pipeline(find_parts(releases[layout]), chosen(layout, numerics=numerics), refine=False)
        assert made.card.numerics == (numerics or "v2")


def test_the_need_counts_every_weight_and_grows_with_what_is_asked(releases):
    layout = WeightsLayout.STREAMING
    parts = find_parts(releases[layout])
    need = released_need(parts, chosen(layout), 25, CPU, refine=True)
    backbone = open_checkpoint(parts.backbone)
    values = sum(backbone.source.entries[name].values for name in backbone.keys.used.values())
    assert need.weights == 4 * values
    texts = [parts.found[part] / "model.safetensors" for part in (Part.TEXT_ENCODER, Part.CAPTIONS)]
    held = sum(entry.values for file in texts for entry in read_header(file).values())
    vae = parts.found[Part.CAUSAL_VAE] / "diffusion_pytorch_model.safetensors"
    held += sum(entry.values for entry in read_header(vae).values())
    assert need.encoders == 4 * held
    plain = released_need(parts, chosen(layout), 25, CPU, refine=False)
    assert plain.refiner == 0
    assert plain.total < need.total
    larger = released_need(parts, chosen(layout, width=2 * WIDTH), 25, CPU, refine=True)
    assert larger.total > need.total
    longer = released_need(parts, chosen(layout), 25 + 24 * 30, CPU, refine=True)
    assert longer.refiner == need.refiner


def test_the_whole_clip_refiner_needs_more_for_a_longer_clip(releases):
    layout = WeightsLayout.BIDIRECTIONAL
    parts = find_parts(releases[layout])
    short, long = (released_need(parts, chosen(layout), frames, CPU, refine=True) for frames in (25, 241))
    assert long.activations > 5 * short.activations


def test_the_encoder_of_the_causal_vae_is_that_of_the_file(releases):
    causal = load_ltx2_encoder(releases[WeightsLayout.STREAMING] / "ltx2_causal_vae")
    video = torch.rand(1, 3, 1, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert causal.encode(video).shape == (1, 128, 1, HEIGHT // 32, WIDTH // 32)
    two_sided = releases[WeightsLayout.BIDIRECTIONAL] / "vae"
    whole, half = load_ltx2_vae(two_sided, None), load_ltx2_encoder(two_sided)
    assert torch.equal(whole.encode(video), half.encode(video))


def test_a_tiling_is_found_for_every_size():
    assert Tiling.of_size(704, 1280) == Tiling()
    for height, width in ((512, 928), (480, 480), (64, 96), (1088, 1920)):
        assert Tiling.of_size(height, width).fits(height, width)
    assert not Tiling().fits(512 - 64 + 32, 928)


def test_a_refiner_of_impossible_sizes_is_named_by_its_field(releases, tmp_path):
    directory = tmp_path / "release"
    shutil.copytree(releases[WeightsLayout.STREAMING], directory)
    config = directory / "refiner_diffusers/transformer/config.json"
    config.write_text(config.read_text().replace('"num_layers": 2', '"num_layers": 0'))
    with pytest.raises(InputError, match=r"transformer/config\.json: field num_layers is 0"):
        released_need(find_parts(directory), chosen(WeightsLayout.STREAMING), 25, CPU, refine=True)
