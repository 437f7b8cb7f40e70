import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from data_contracts.errors import InputError
from model.codecs.causal_decoder.config import CausalDecoderConfig, read_config
from model.codecs.causal_decoder.weights import (
    CONFIG,
    WEIGHTS,
    load_causal_decoder,
    released_shapes,
    write_fixture,
)
from model.codecs.dct import DctCodec
from model.codecs.streaming import CausalChunks, IndependentChunks

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = dataclasses.replace(CausalDecoderConfig.tiny(), layers=(1, 2, 1, 1))


@pytest.fixture(scope="module")
def fixture_directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("ltx2_causal_vae")
    write_fixture(directory, TINY, seed=0)
    return directory


@pytest.fixture
def copied(fixture_directory, tmp_path):
    for name in (CONFIG, WEIGHTS):
        (tmp_path / name).write_bytes((fixture_directory / name).read_bytes())
    return tmp_path


def _latents(frames, height=2, width=3, dtype=torch.float32):
    return torch.randn(1, 128, frames, height, width, generator=torch.Generator().manual_seed(1), dtype=dtype)


def _error(one, other):
    """Relative root mean square error."""
    return float((one - other).norm() / other.norm())


def _in_chunks(decoder, latents, sizes):
    stream = CausalChunks(decoder)
    return torch.cat([stream.decode_next(chunk) for chunk in latents.split(sizes, dim=2)], dim=2)


@pytest.mark.parametrize("sizes", [[1, 1, 1, 1, 1], [4, 1], [1, 4], [2, 3]], ids=str)
def test_any_chunks_give_the_video_of_the_whole(fixture_directory, sizes):
    decoder = load_causal_decoder(fixture_directory)
    latents = _latents(5)
    whole = decoder.decode(latents)
    assert whole.shape == (1, 3, 33, 64, 96)
    assert whole.std() > 0.1
    assert _error(_in_chunks(decoder, latents, sizes), whole) < 1e-5


def test_chunks_are_exact_up_to_rounding(fixture_directory):
    """In float64 what is left is rounding alone, so a wrong tail cannot hide below a tolerance."""
    decoder = load_causal_decoder(fixture_directory, torch.float64)
    latents = _latents(4)
    video, cache = decoder.network(latents.double(), None)
    parts, cache = [], None
    for frame in latents.double().split(1, dim=2):
        part, cache = decoder.network(frame, cache)
        parts.append(part)
    assert (torch.cat(parts, dim=2) - video).abs().max() < 1e-12


def test_it_is_the_library_decoder_run_causally(fixture_directory):
    from diffusers import AutoencoderKLLTX2Video

    peer = AutoencoderKLLTX2Video(
        decoder_block_out_channels=TINY.block_channels,
        decoder_layers_per_block=TINY.layers,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1,) * 5,
    ).eval()
    tensors = load_file(fixture_directory / WEIGHTS)
    found = peer.load_state_dict(tensors, strict=False)
    assert not found.unexpected_keys
    assert all(key.startswith("encoder.") for key in found.missing_keys)
    decoder = load_causal_decoder(fixture_directory)
    latents = _latents(3)
    with torch.no_grad():
        expected = peer.decode(decoder.statistics.restore(latents), causal=True).sample
    assert _error(decoder.network(decoder.statistics.restore(latents), None)[0], expected) < 1e-5


def test_the_future_changes_nothing(fixture_directory):
    decoder = load_causal_decoder(fixture_directory)
    latents, other = _latents(3), _latents(3)
    other[:, :, 2] += 1
    one, two = decoder.decode(latents), decoder.decode(other)
    assert torch.equal(one[:, :, :9], two[:, :, :9])
    assert not torch.allclose(one[:, :, 9:], two[:, :, 9:], atol=1e-2)


def test_the_cache_does_not_grow(fixture_directory):
    decoder = load_causal_decoder(fixture_directory)
    cache, sizes = None, []
    for frame in _latents(4).split(1, dim=2):
        _, cache = decoder.decode_chunk(frame, cache)
        sizes.append(cache.bytes)
        assert all(tail.untyped_storage().nbytes() == tail.numel() * 4 for tail in cache.tensors())
    assert len(set(sizes)) == 1


def test_compiled_it_gives_the_same_frames(tmp_path):
    """With the backend that traces and functionalizes but generates no code, which would take minutes here."""
    write_fixture(tmp_path, dataclasses.replace(TINY, layers=(0, 1, 0, 1)), seed=0)
    latents = _latents(3)
    expected = load_causal_decoder(tmp_path).decode(latents)
    torch.compiler.reset()
    decoder = load_causal_decoder(tmp_path).compiled(backend="aot_eager")
    assert _error(_in_chunks(decoder, latents, 1), expected) < 1e-5


def test_the_released_sizes_have_the_library_keys():
    """No weights: names and shapes alone, on the meta device."""
    from diffusers import AutoencoderKLLTX2Video

    with torch.device("meta"):
        peer = AutoencoderKLLTX2Video()
    expected = {
        name: tuple(value.shape) for name, value in peer.state_dict().items() if not name.startswith("encoder.")
    }
    assert released_shapes(CausalDecoderConfig.released()) == expected


def test_a_fixture_is_the_same_bytes_again(fixture_directory, tmp_path):
    write_fixture(tmp_path, TINY, seed=0)
    for name in (CONFIG, WEIGHTS):
        assert (tmp_path / name).read_bytes() == (fixture_directory / name).read_bytes()
    assert read_config(tmp_path / CONFIG) == TINY


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latents_std": None}, "1 keys are missing, first latents_std"),
        ({"decoder.conv_out.conv.bias": None}, r"missing, first decoder\.conv_out\.conv\.bias"),
        ({"quant_conv.weight": torch.zeros(1)}, r"unknown, first quant_conv\.weight"),
        ({"decoder.conv_in.conv.bias": torch.zeros(3)}, r"shape \(3,\)"),
        ({"latents_std": -torch.ones(128)}, "not positive"),
    ],
)
def test_every_key_is_used_or_an_error(copied, change, message):
    tensors = load_file(copied / WEIGHTS) | change
    save_file({name: value for name, value in tensors.items() if value is not None}, copied / WEIGHTS)
    with pytest.raises(InputError, match=message):
        load_causal_decoder(copied)


def test_an_encoder_in_the_file_is_left_unread(copied):
    save_file(load_file(copied / WEIGHTS) | {"encoder.conv_in.conv.bias": torch.zeros(8)}, copied / WEIGHTS)
    load_causal_decoder(copied)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"decoder_causal": False}, "decoder_causal"),
        ({"timestep_conditioning": True}, "timestep_conditioning"),
        ({"decoder_spatial_padding_mode": "zeros"}, "decoder_spatial_padding_mode"),
        ({"decoder_block_out_channels": [8, 16, 16]}, "decoder_block_out_channels"),
        ({"decoder_layers_per_block": [1, 1]}, "decoder_layers_per_block"),
        ({"patch_size_t": 2}, "patch_size_t"),
    ],
)
def test_another_network_is_refused_by_field(copied, change, field):
    path = copied / CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=field):
        load_causal_decoder(copied)


def test_missing_files_and_empty_chunks_are_refused(fixture_directory, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_causal_decoder(tmp_path)
    decoder = load_causal_decoder(fixture_directory)
    for latents in (_latents(1, height=1), _latents(1)[:, :, :0]):
        with pytest.raises(ValueError, match="2x2"):
            decoder.decode_chunk(latents, None)


def test_codecs_without_memory_stream_too():
    codec = DctCodec.unfitted()
    latents = _latents(3)
    stream = IndependentChunks(codec)
    parts = [stream.decode_next(chunk) for chunk in latents.split(1, dim=2)]
    assert torch.allclose(torch.cat(parts, dim=2), codec.decode(latents), atol=1e-5)
