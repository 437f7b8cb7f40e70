import json

import pytest
import torch

from data_contracts.errors import OperationError
from model.codecs.dct import DctCodec
from model.codecs.hashed_text import HashedTextEncoder, split_words
from model.codecs.pixels import frames_from_video, video_from_frames
from model.codecs.statistics import ChannelStatistics
from model.codecs.store import load_codec, load_null_text, load_text_encoder, save_codec, save_text_encoder


def test_codec_round_trip(tmp_path):
    generator = torch.Generator().manual_seed(0)
    statistics = ChannelStatistics(
        torch.randn(2, 128, generator=generator), torch.rand(2, 128, generator=generator) + 0.1, 3
    )
    save_codec(tmp_path, DctCodec(statistics))
    loaded = load_codec(tmp_path)
    video = torch.rand(1, 3, 9, 32, 32, generator=generator)
    assert torch.equal(loaded.encode(video), DctCodec(statistics).encode(video))


@pytest.mark.parametrize("change", [{"name": "other"}, {"version": 9}, {"surprise": 1}])
def test_foreign_codec_is_refused(tmp_path, change):
    save_codec(tmp_path, DctCodec.unfitted())
    path = tmp_path / "codec.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(OperationError, match=r"codec\.json"):
        load_codec(tmp_path)


def test_flipped_statistics_header_is_refused(tmp_path):
    save_codec(tmp_path, DctCodec.unfitted())
    path = tmp_path / "codec.safetensors"
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])
    with pytest.raises(OperationError):
        load_codec(tmp_path)


def test_text_features_are_fixed_by_word():
    encoder = HashedTextEncoder(tokens=8, channels=64)
    one = encoder.encode(["A red, RED brick"])
    assert one.mask[0].tolist() == [True] * 5 + [False] * 3
    assert torch.equal(one.states[0, 2], one.states[0, 3])
    assert not torch.allclose(one.states[0, 1], one.states[0, 2])
    assert one.states[0, 5:].abs().sum() == 0
    # The hash and its arithmetic are part of the trained model: these values must never change.
    assert one.states[0, 2, :3].tolist() == pytest.approx(EXPECTED_RED, abs=1e-6)


EXPECTED_RED = [-1.4005361795425415, -1.1028376817703247, 1.2381551265716553]


def test_features_are_near_standard_normal():
    states = HashedTextEncoder(32, 64).encode([" ".join(f"word{i}" for i in range(31))]).states
    assert abs(float(states.mean())) < 0.1
    assert abs(float(states.std()) - 1) < 0.1


def test_empty_text_is_the_null_condition(tmp_path):
    encoder = HashedTextEncoder(32, 64)
    save_text_encoder(tmp_path, encoder)
    null = load_null_text(tmp_path)
    assert null.mask.sum() == 1
    assert torch.equal(null.states, load_text_encoder(tmp_path).encode(["  ... "]).states)


def test_words_of_any_script():
    assert split_words("Snow-covered Straße, 3 œufs") == ["snow", "covered", "straße", "3", "œufs"]


def test_pixels_round_trip():
    frames = torch.randint(0, 256, (9, 32, 64, 3), generator=torch.Generator().manual_seed(1)).to(torch.uint8).numpy()
    assert (frames_from_video(video_from_frames(frames)) == frames).all()
