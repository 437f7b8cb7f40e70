"""The authors' training layout: lossless both ways, and every fault costs one line and one clip."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from data_contracts.errors import InputError
from tasks.latents.training_layout.layout import CAMERA, SCORES, TrainingClip, score_value
from tasks.latents.training_layout.read import read_archive
from tasks.latents.training_layout.write import write_archive


def make_clip(number, frames=9):
    rng = np.random.default_rng(number)
    poses = np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1))
    poses[:, :3, 3] = rng.normal(size=(frames, 3))
    return TrainingClip(
        key=f"walk_{number:03d}",
        metadata={"width": 1280, "height": 704, "prompt": "Eine Brücke 橋", "extra": {"kept": [1, None]}},
        latent=rng.normal(size=(128, 2, 3, 4)).astype(np.float16),
        camera_to_world=poses,
        intrinsics=np.tile(np.float32([900, 900, 640, 352]), (frames, 1)),
        metric_scale=0.8 + number,
        scores={
            "vmafmotion": {"vmafmotion_score": 3.5, "frames": 961},
            "unimatch": {"unimatch_flow_score": 12.25},
            "dover": [0.5, 0.7],
            "vlm_entity_filter": {"entity_count": number},
            "vlm_quality_filter": {"quality_pass": True},
        },
        caption=f"A bridge number {number}.",
    )


CLIPS = [make_clip(0), make_clip(1, frames=17), make_clip(2)]


@pytest.fixture
def archive(tmp_path):
    return write_archive(tmp_path / "raw", tmp_path / "cache", "part_00", CLIPS)


def read(archive):
    return read_archive(archive, archive.parent.parent / "cache")


def same(one, other):
    arrays = ("latent", "camera_to_world", "intrinsics")
    for name in arrays:
        mine, theirs = getattr(one, name), getattr(other, name)
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)
    plain = ("key", "metadata", "metric_scale", "scores", "caption")
    return all(getattr(one, name) == getattr(other, name) for name in plain)


def test_what_is_written_is_read_back_exactly(archive):
    found = read(archive)
    assert found.problems == []
    assert len(found.clips) == 3
    assert all(same(one, other) for one, other in zip(found.clips, CLIPS, strict=True))


def test_writing_what_was_read_gives_the_same_bytes(archive, tmp_path):
    again = write_archive(tmp_path / "raw2", tmp_path / "cache2", "part_00", read(archive).clips)
    names = sorted(path.name for path in archive.parent.iterdir())
    assert names == sorted(path.name for path in again.parent.iterdir())
    assert len(names) == 9
    assert all((archive.parent / name).read_bytes() == (again.parent / name).read_bytes() for name in names)
    assert (tmp_path / "cache/part_00.zip").read_bytes() == (tmp_path / "cache2/part_00.zip").read_bytes()


def test_a_clip_may_lack_scores_scale_and_caption(tmp_path):
    bare = replace(make_clip(0), scores={}, metric_scale=None, caption=None)
    archive = write_archive(tmp_path / "raw", tmp_path / "cache", "part", [bare])
    assert sorted(path.name for path in archive.parent.iterdir()) == ["part.zip", "part_camera.npz"]
    assert same(read(archive).clips[0], bare)


def test_the_names_and_arrays_are_those_of_the_layout(archive):
    with np.load(archive.with_name("part_00_camera.npz")) as cameras:
        assert set(cameras) == {"ids", "ranges", "pose", "intrinsics"}
        assert cameras["ranges"].tolist() == [[0, 9], [9, 17], [26, 9]]
        assert cameras["pose"].shape == (35, 4, 4)
    with zipfile.ZipFile(archive.parent.parent / "cache/part_00.zip") as latents:
        assert latents.namelist() == [f"{clip.key}.npz" for clip in CLIPS]


@pytest.mark.parametrize(
    ("entry", "value"),
    [(3, 3), (True, 1), ([1, 3], 2), ({"dover_score": 0.4, "score": 9}, 0.4), ({"a": "x", "b": 0.5}, 0.5), ("x", None)],
)
def test_a_score_is_found_in_every_form(entry, value):
    assert score_value("dover", entry) == value


@pytest.mark.parametrize("kind", SCORES)
@pytest.mark.parametrize("bad", [float("nan"), "high", None, 1e9])
def test_one_wrong_score_costs_one_line_and_one_clip(archive, kind, bad):
    path = archive.with_name("part_00" + SCORES[kind].suffix)
    entries = json.loads(path.read_text())
    path.write_text(json.dumps(entries | {"walk_001": bad}))
    found = read(archive)
    assert [clip.key for clip in found.clips] == ["walk_000", "walk_002"]
    (problem,) = found.problems
    assert str(problem).startswith(f"{path.name} [walk_001]: {kind} is ")


def test_a_torn_sidecar_costs_its_entries_but_no_clip(archive):
    path = archive.with_name("part_00_dover.json")
    path.write_text(path.read_text()[:30])
    found = read(archive)
    assert len(found.clips) == 3
    assert all("dover" not in clip.scores for clip in found.clips)
    assert [problem.file for problem in found.problems] == [path.name]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: replace(c, intrinsics=c.intrinsics / 1280), "are not pixels of 1280 x 704"),
        (lambda c: replace(c, camera_to_world=c.camera_to_world * np.nan), "camera of frame 0 is not finite"),
        (lambda c: replace(c, latent=c.latent * np.float16(np.inf)), "is not a finite"),
        (lambda c: replace(c, metric_scale=-1.0), "scale is -1.0"),
        (lambda c: replace(c, metadata={"width": 1280}), "width and height are"),
        (lambda c: replace(c, scores={"dover": 62.0}), "dover is 62.0; it must be a number in [0, 1]"),
    ],
)
def test_a_wrong_clip_is_left_out_alone(tmp_path, change, told):
    archive = write_archive(tmp_path / "raw", tmp_path / "cache", "part", [CLIPS[0], change(CLIPS[1]), CLIPS[2]])
    found = read(archive)
    assert [clip.key for clip in found.clips] == ["walk_000", "walk_002"]
    (problem,) = found.problems
    assert told in str(problem)


def test_torn_zips_and_cameras_are_told(archive):
    latents = archive.parent.parent / "cache/part_00.zip"
    latents.write_bytes(latents.read_bytes()[:5000])
    found = read(archive)
    assert found.clips == []
    assert "zip cannot be read" in str(found.problems[0])
    camera = archive.with_name("part_00" + CAMERA)
    camera.write_bytes(camera.read_bytes()[:100])
    assert any("cameras cannot be read" in str(problem) for problem in read(archive).problems)


def test_two_clips_of_one_key_are_refused(tmp_path):
    with pytest.raises(InputError, match="walk_000"):
        write_archive(tmp_path, tmp_path / "cache", "part", [CLIPS[0], CLIPS[0]])
