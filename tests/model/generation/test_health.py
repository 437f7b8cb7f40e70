"""NaN and black pictures stop a video at the frame where they begin."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_bundle import write_tiny_bundle

from data_contracts.errors import ErrorCode, OperationError
from model.codecs.dct import DctCodec
from model.generation.action_path import walk_forward
from model.generation.first_frame import default_intrinsics
from model.generation.health import check_finite, check_visible, is_black
from model.generation.pipeline import WorldPipeline
from model.generation.request import GenerationRequest

BLACK = np.full((8, 64, 96, 3), 2, np.uint8)
GRAY = np.full((8, 64, 96, 3), 90, np.uint8)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_first_bad_latent_frame_is_named(value):
    latents = torch.zeros(1, 4, 3, 2, 2)
    check_finite(latents, 5, "stage 1")
    latents[0, 2, 1, 0, 1] = value
    with pytest.raises(OperationError, match="stage 1: latent frame 6 holds") as caught:
        check_finite(latents, 5, "stage 1")
    assert caught.value.code is ErrorCode.OUTPUT_UNUSABLE


def test_black_is_refused_unless_it_was_asked_for():
    night = BLACK.copy()
    night[:, 20:23, 30:40] = 230
    assert not is_black(night)
    check_visible(GRAY, 0, None)
    check_visible(night, 0, None)
    check_visible(BLACK, 0, BLACK[0])
    with pytest.raises(OperationError, match="frames 17 to 24 are black"):
        check_visible(BLACK, 17, GRAY[0])


@pytest.fixture
def pipeline(tmp_path):
    return WorldPipeline.load(write_tiny_bundle(tmp_path))


@pytest.fixture
def request_():
    return GenerationRequest(None, "a room", walk_forward(17), np.tile(default_intrinsics(64, 96), (17, 1)))


def test_a_model_that_makes_nan_stops_the_pipeline(pipeline, request_):
    with torch.no_grad():
        pipeline._model.final_layer.linear.bias[3] = float("nan")
    with pytest.raises(OperationError, match="stage 1: latent frame 0 holds NaN"):
        pipeline.generate(request_)


def test_a_codec_that_makes_black_stops_the_pipeline(pipeline, request_, monkeypatch):
    black = torch.full((1, 3, 17, 64, 96), -1.0)
    monkeypatch.setattr(DctCodec, "decode", lambda *_, **__: black)
    with pytest.raises(OperationError, match="frames 0 to 16 are black"):
        pipeline.generate(request_)
    frames = pipeline.generate(replace(request_, image=BLACK[0]))
    assert is_black(frames)
