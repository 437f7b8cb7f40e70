"""A clip that shows a picture of the benchmark is found by name and frame; different clips and pictures never are."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_pictures import drawn_picture, jpeg, rescaled, write_pictures
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.clip import ClipRow
from data_contracts.contract_loader import load_contracts
from data_contracts.errors import InputError
from infra.benchmark_input import examine_benchmark
from tasks.filtering.benchmark import published_pictures
from tasks.filtering.config import BenchmarkPlace
from tasks.filtering.frame_hashes import hash_file, write_frame_hashes
from tasks.filtering.overlap import benchmark_pictures, overlap_scores
from tasks.filtering.phash import distances, picture_hashes
from tasks.vision.flow import gray_frames
from tasks.vision.images import CoverCrop
from tasks.vision.video import read_video, write_video

LIMIT = next(rule.minimum for rule in load_contracts().common.quality if rule.id == "benchmark_overlap")
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
REAL = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real pictures are not here")
SIZE = (96, 160)
MODEL = (352, 640)  # the aspect ratio of 704 x 1280
NAMES = [f"game_{number:03}" for number in range(12)]


def placed(folder):
    return BenchmarkPlace(path=str(folder), digest=examine_benchmark(folder).id)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    write_pictures(folder / "images", {name: drawn_picture(number) for number, name in enumerate(NAMES)})
    return placed(folder)


@pytest.fixture(scope="module")
def pictures(bench):
    return published_pictures(bench, [SIZE])[SIZE]


def fitted(picture, size=SIZE):
    return CoverCrop(picture.shape[:2], size).picture(picture)


def clip(seed, frames=9, size=SIZE):
    """A pan over a picture that is in no benchmark."""
    wide = drawn_picture(seed, size[0], size[1] + 2 * frames)
    return np.stack([wide[:, 2 * index : 2 * index + size[1]] for index in range(frames)])


def hashes(frames):
    return picture_hashes(gray_frames(frames))


@settings(max_examples=40)
@given(
    number=st.integers(0, len(NAMES) - 1),
    frame=st.integers(0, 8),
    quality=st.integers(20, 95),
    share=st.floats(0.4, 2.0),
    cropped=st.booleans(),
)
def test_a_planted_picture_is_found_in_its_frame(pictures, number, frame, quality, share, cropped):
    planted = drawn_picture(number)
    planted = fitted(planted, MODEL) if cropped else planted
    frames = clip(1000)
    frames[frame] = fitted(jpeg(rescaled(planted, share), quality))
    distance, found, name = pictures.nearest(hashes(frames))
    assert (found, name) == (frame, f"benchmark image {NAMES[number]}")
    assert distance < LIMIT / 2


def test_a_planted_picture_survives_the_video_codec(pictures, tmp_path):
    frames = clip(1001)
    frames[5] = fitted(drawn_picture(7))
    write_video(tmp_path / "clip.mp4", frames, 16, quality=28)
    distance, found, name = pictures.nearest(hashes(read_video(tmp_path / "clip.mp4").frames))
    assert (found, name) == (5, "benchmark image game_007")
    assert distance < LIMIT / 2


@pytest.mark.parametrize("shape", [(180, 320), (240, 320), (213, 320), (160, 320)])
@pytest.mark.parametrize("size", [(96, 160), (176, 320)])
def test_a_picture_cut_to_the_models_aspect_ratio_is_found(tmp_path, shape, size):
    picture = drawn_picture(3, *shape)
    write_pictures(tmp_path, {"game_003": picture})
    known = published_pictures(placed(tmp_path), [size])[size]
    assert known.nearest(hashes(fitted(fitted(picture, MODEL), size)[None]))[0] < LIMIT / 2


def test_no_different_clip_is_a_hit(pictures):
    nearest = [pictures.nearest(hashes(clip(seed)))[0] for seed in range(2000, 2150)]
    assert min(nearest) > LIMIT


def test_the_product_of_matrices_counts_bits():
    frames, others = hashes(clip(1)), hashes(clip(2))
    by_hand = [[np.unpackbits(one ^ other).mean() for other in others] for one in frames]
    np.testing.assert_allclose(distances(frames, others), by_hand, atol=1e-6)


def test_a_flat_frame_is_near_to_nothing(pictures):
    flat = np.full((3, *SIZE, 3), 90, np.uint8)
    assert pictures.nearest(hashes(flat)) is None
    frames = clip(5)
    frames[0] = 90
    assert pictures.nearest(hashes(frames))[1] != 0


def rows_of(split_of, folder):
    """A clip a split, with its hashes stored."""
    rows, files = [], {}
    for name, (split, frames) in split_of.items():
        rows.append(ClipRow(path=name, source="plain", clip_id=name, split=split, height=SIZE[0], width=SIZE[1]))
        write_frame_hashes(folder, name, hashes(frames))
        files[name] = hash_file(folder, name)
    return rows, files


def test_a_clip_of_the_benchmark_may_show_the_benchmark(bench, tmp_path):
    shows = np.stack([fitted(drawn_picture(4))] * 3)
    rows, files = rows_of({split: (split, shows) for split in ("train", "val", "benchmark")}, tmp_path)
    scores = overlap_scores(rows, files, benchmark_pictures(bench, rows, [], files))
    assert [(score.path, score.worst_frame) for score in scores] == [("train", 0), ("val", 0)]
    assert all(score.value < LIMIT for score in scores)
    assert scores[0].detail == "frame 0 is nearest to benchmark image game_004"


def test_without_a_published_one_held_out_clips_are_the_benchmark(tmp_path):
    late = clip(30)
    late[6] = clip(31)[0]
    rows, files = rows_of(
        {"seen": ("train", late), "other": ("train", clip(32)), "held": ("benchmark", clip(31))}, tmp_path
    )
    scores = overlap_scores(rows, files, benchmark_pictures(None, rows, rows[2:], files))
    assert [(score.path, score.value < LIMIT) for score in scores] == [("seen", True), ("other", False)]
    assert (scores[0].worst_frame, scores[0].detail) == (6, "frame 6 is nearest to the first frame of held")


def test_without_any_benchmark_there_is_no_score(tmp_path):
    rows, files = rows_of({"a": ("train", clip(1))}, tmp_path)
    assert overlap_scores(rows, files, benchmark_pictures(None, rows, [], files)) == []


def test_a_picture_that_cannot_be_compared_is_named(tmp_path):
    write_pictures(tmp_path, {"good": drawn_picture(1), "gray": np.full((90, 160, 3), 90, np.uint8)})
    with pytest.raises(InputError, match=r"gray\.png has a standard deviation of 0\.0 gray levels, at least 6"):
        published_pictures(placed(tmp_path), [SIZE])
    (tmp_path / "gray.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"gray\.png does not decode"):
        published_pictures(placed(tmp_path), [SIZE])


def test_a_benchmark_that_changed_during_the_run_stops_it(tmp_path):
    write_pictures(tmp_path, {"a": drawn_picture(1)})
    place = placed(tmp_path)
    write_pictures(tmp_path, {"a": drawn_picture(2)})
    with pytest.raises(InputError, match="the run began with"):
        published_pictures(place, [SIZE])


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    found = [*(SHARED / "bench").glob("*.jpg"), *(SHARED / "first_frames").glob("*.jpg")]
    (folder / "images").mkdir()
    for path in found:
        (folder / "images" / path.name).symlink_to(path)
    photographs = {path.stem: cv2.imread(str(path))[..., ::-1] for path in found}
    return photographs, published_pictures(placed(folder), [(192, 320)])


@REAL
def test_real_first_frames_are_found_after_the_released_crop(real):
    photographs, known = real
    assert len(photographs) == 11
    for name, photograph in photographs.items():
        released = jpeg(rescaled(fitted(photograph, (704, 1280)), 0.5), 20)
        distance, _, found = known[192, 320].nearest(hashes(fitted(released, (192, 320))[None]))
        assert (found, distance < 0.1) == (f"benchmark image {name}", True)


@REAL
@pytest.mark.parametrize("name", sorted(path.name for path in (SHARED / "videos").glob("*.mp4")))
def test_no_real_video_shows_a_picture_that_it_does_not_hold(real, name):
    frames = np.stack([fitted(frame, (192, 320)) for frame in read_video(SHARED / "videos" / name).frames])
    assert real[1][192, 320].nearest(hashes(frames))[0] > 0.35
