import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from data_contracts.errors import InputError
from model.codecs.ltx2_vae import CONFIG, WEIGHTS, Tiling, load_ltx2_vae

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def small_vae():
    """The library's own model, which decodes with both sides as the released one does."""
    from diffusers import AutoencoderKLLTX2Video

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vae = AutoencoderKLLTX2Video(
            block_out_channels=(8, 16, 32, 64),
            decoder_block_out_channels=(8, 16, 32),
            layers_per_block=(1,) * 5,
            decoder_layers_per_block=(1,) * 4,
            decoder_causal=False,
        ).eval()
        vae.latents_mean.normal_()
        vae.latents_std.uniform_(0.5, 2)
    return vae.requires_grad_(False)


@pytest.fixture
def directory(small_vae, tmp_path):
    small_vae.save_pretrained(tmp_path)
    return tmp_path


def _video(frames, height, width):
    generator = torch.Generator().manual_seed(frames)
    return torch.rand(1, 3, frames, height, width, generator=generator) * 2 - 1


def test_latents_are_the_standardized_mode_and_decode_inverts_the_standardization(small_vae, directory):
    codec = load_ltx2_vae(directory, tiling=None)
    video = _video(9, 64, 96)
    latents = codec.encode(video)
    assert latents.shape == (1, 128, 2, 2, 3)
    mode = small_vae.encode(video).latent_dist.mode()
    mean, deviation = (one.view(1, 128, 1, 1, 1) for one in (small_vae.latents_mean, small_vae.latents_std))
    assert torch.allclose(latents, (mode - mean) / deviation, atol=1e-6)
    assert torch.equal(codec.encode(video), latents)  # nothing is sampled
    assert torch.allclose(codec.decode(latents), small_vae.decode(mode).sample.clamp(-1, 1), atol=1e-5)
    assert codec.decode(latents[:, :, :1]).shape == (1, 3, 1, 64, 96)


def test_scaling_factor_counts(directory):
    plain = load_ltx2_vae(directory, tiling=None).encode(_video(1, 64, 64))
    described = json.loads((directory / CONFIG).read_text())
    (directory / CONFIG).write_text(json.dumps(described | {"scaling_factor": 0.5}))
    assert torch.allclose(load_ltx2_vae(directory, tiling=None).encode(_video(1, 64, 64)), 0.5 * plain, atol=1e-6)


@pytest.mark.parametrize("key", ["latents_mean", "latents_std", "decoder.conv_in.conv.bias"])
def test_a_missing_tensor_is_an_error_and_never_a_default(directory, key):
    tensors = load_file(directory / WEIGHTS)
    del tensors[key]
    save_file(tensors, directory / WEIGHTS)
    with pytest.raises(InputError, match=rf"1 keys are missing, first {key}"):
        load_ltx2_vae(directory, tiling=None)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("surprise", torch.zeros(1), "1 keys are unknown, first surprise"),
        ("latents_std", torch.zeros(128), "not positive"),
        ("latents_mean", torch.zeros(64), r"shape \(64,\), expected \(128,\)"),
        ("latents_mean", torch.full((128,), torch.nan), "not finite"),
    ],
)
def test_a_wrong_tensor_is_named(directory, key, value, message):
    save_file(load_file(directory / WEIGHTS) | {key: value}, directory / WEIGHTS)
    with pytest.raises(InputError, match=message):
        load_ltx2_vae(directory, tiling=None)


def test_a_directory_without_files_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=CONFIG):
        load_ltx2_vae(tmp_path, tiling=None)


def test_tiles_cover_the_whole(directory):
    whole = load_ltx2_vae(directory, tiling=None)
    video = _video(17, 128, 128)
    latents = whole.encode(video)
    one_tile = load_ltx2_vae(directory, Tiling(raw_frames=24, raw_frame_stride=16, pixels=128, pixel_stride=64))
    assert torch.equal(one_tile.encode(video), latents)
    assert torch.equal(one_tile.decode(latents), whole.decode(latents))
    tiles = load_ltx2_vae(directory, Tiling(raw_frames=16, raw_frame_stride=8, pixels=64, pixel_stride=64))
    assert tiles.encode(video).shape == latents.shape
    assert tiles.decode(latents).shape == video.shape
    assert not torch.allclose(tiles.decode(latents), whole.decode(latents), atol=1e-3)


def test_sizes_without_an_exact_answer_are_refused(directory):
    codec = load_ltx2_vae(directory, Tiling(raw_frames=16, raw_frame_stride=8, pixels=64, pixel_stride=64))
    with pytest.raises(ValueError, match="raw_frames is 8"):
        codec.encode(_video(8, 64, 64))
    with pytest.raises(ValueError, match="multiples of 32"):
        codec.encode(_video(1, 64, 40))
    with pytest.raises(ValueError, match="whole clips only"):
        codec.decode(torch.zeros(1, 128, 1, 2, 2), starts_clip=False)
    with pytest.raises(ValueError, match="last tile"):
        codec.decode(torch.zeros(1, 128, 1, 2, 3))
    with pytest.raises(ValueError, match="stride <= size"):
        Tiling(raw_frames=16, raw_frame_stride=24)


def test_precision_is_that_asked_for(directory):
    codec = load_ltx2_vae(directory, tiling=None, dtype=torch.bfloat16)
    latents = codec.encode(_video(1, 64, 64))
    assert latents.dtype == codec.decode(latents).dtype == torch.float32
    assert (latents - load_ltx2_vae(directory, tiling=None).encode(_video(1, 64, 64))).abs().max() > 0
