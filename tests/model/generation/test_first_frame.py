"""Resize and crop against the published geometry; intrinsics follow the pixels."""

import json
from pathlib import Path

import numpy as np
import pytest

from data_contracts.bundle import PixelOrigin
from model.generation.first_frame import default_intrinsics, prepare_first_frame, snap_raw_frames
from tasks.vision.images import CoverCrop

VECTORS = Path(__file__).resolve().parents[3].parent / "shared" / "vectors" / "preproc.json"


@pytest.fixture(scope="module")
def golden():
    if not VECTORS.exists():
        pytest.skip("the shared vectors are not beside this checkout")
    return json.loads(VECTORS.read_text())


def test_crop_geometry_equals_the_published_one(golden):
    height, width = golden["config"]["target"]
    for case in golden["crop"].values():
        source_width, source_height = case["src"]
        prepared = prepare_first_frame(np.zeros((source_height, source_width, 3), np.uint8), height, width)
        assert prepared.pixels.shape == (height, width, 3)
        assert [prepared.left, prepared.top] == case["crop_left_top"]
        assert np.allclose(prepared.scale, np.array(case["resized"]) / np.array(case["src"]))


def test_intrinsics_equal_the_published_ones(golden):
    height, width = golden["config"]["target"]
    example = golden["intrinsics_example_input"]
    source_width, source_height = example["src"]
    prepared = prepare_first_frame(np.zeros((source_height, source_width, 3), np.uint8), height, width)
    assert np.allclose(prepared.intrinsics(np.array([example["intrinsics"]]))[0], golden["intrinsics_example"])


def test_frame_counts_snap_as_published(golden):
    for key, expected in golden["snap_num_frames"].items():
        frames, stride = (int(part) for part in key.split(","))
        assert snap_raw_frames(frames, stride) == expected


def test_a_marked_pixel_lands_where_the_intrinsics_say():
    image = np.zeros((360, 640, 3), np.uint8)
    image[170:190, 310:330] = 255
    prepared = prepare_first_frame(image, 192, 320)
    center = prepared.intrinsics(np.array([[500.0, 500.0, 320.0, 180.0]]))[0, 2:]
    rows, columns = np.nonzero(prepared.pixels[..., 0] > 128)
    assert np.allclose([columns.mean() + 0.5, rows.mean() + 0.5], center, atol=0.6)


@pytest.mark.parametrize("native", [(360, 640), (96, 160), (192, 320), (333, 517)])
def test_the_corpus_and_the_first_frame_share_one_crop(native):
    target = (192, 320)
    corpus, frame = CoverCrop(native, target), prepare_first_frame(np.zeros((*native, 3), np.uint8), *target)
    lens = np.array([[500.0, 510.0, native[1] * 0.4, native[0] * 0.7]])
    assert corpus.offset == (frame.top, frame.left)
    assert np.allclose(corpus.intrinsics(lens), frame.intrinsics(lens, PixelOrigin.CENTER), atol=1e-9)
    half = np.array([0, 0, 0.5, 0.5])
    shifted = frame.intrinsics(lens + half, PixelOrigin.CORNER) - half
    assert np.allclose(frame.intrinsics(lens, PixelOrigin.CENTER), shifted, atol=1e-9)


def test_the_middle_of_an_image_is_where_its_origin_says():
    assert np.array_equal(default_intrinsics(192, 320)[2:], [159.5, 95.5])
    assert np.array_equal(default_intrinsics(192, 320, origin=PixelOrigin.CORNER)[2:], [160, 96])


def test_default_intrinsics_have_the_stated_field_of_view():
    focal = default_intrinsics(192, 320, 90.0)[0]
    assert np.isclose(focal, 160)
