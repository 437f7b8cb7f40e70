"""Every listed input has a row; what cannot be used is quarantined with a reason, and the rest goes on."""

import shutil

import numpy as np
import pytest
from small_sources import moving_frames

from data_contracts.clip import ClipRow, ClipStatus
from data_contracts.errors import ErrorCode, InputError
from tasks.ingest.identity import split_of
from tasks.vision.tables import read_table
from tasks.vision.video import read_video, write_video


def rows_of(output):
    return {row.path: row for row in read_table(output / "clips.parquet", ClipRow)}


def files_of(directory):
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_bad_files_among_good_ones(plain, ingest):
    good = (plain / "good.mp4").read_bytes()
    (plain / "notes.txt").write_text("not media")
    (plain / "empty.mp4").write_bytes(b"")
    (plain / "text.mp4").write_text("hello")
    (plain / "cut.mp4").write_bytes(good[: len(good) // 2])
    (plain / "again.mp4").write_bytes(good)
    (plain / ".hidden.mp4").write_bytes(good)
    write_video(plain / "one frame.mp4", moving_frames()[:1], 16)
    output, summary = ingest(plain)
    rows = rows_of(output)
    assert {path: row.reasons for path, row in rows.items()} == {
        "again.mp4": [],
        "cut.mp4": ["media_truncated"],
        "empty.mp4": ["media_empty"],
        "good.mp4": [],
        "one frame.mp4": ["media_too_short"],
        "text.mp4": ["media_corrupt"],
    }
    assert list(rows) == sorted(rows)
    assert rows["text.mp4"].detail
    assert rows["again.mp4"].clip_id == rows["good.mp4"].clip_id
    assert len(list((output / "media").iterdir())) == 1
    assert summary.metrics["quarantined"] == 4


def test_the_stored_clip_is_the_source_at_the_stored_size(plain, ingest):
    write_video(plain / "large.mp4", moving_frames(5, 33, 128, 192), 32)
    output, _ = ingest(plain)
    row = rows_of(output)["large.mp4"]
    stored = read_video(output / "media" / f"{row.clip_id}.mp4")
    assert stored.frames.shape == (17, 64, 96, 3)
    assert stored.fps == pytest.approx(16)
    native = moving_frames(5, 33, 128, 192)[::2].astype(float)
    expected = native.reshape(17, 64, 2, 96, 2, 3).mean(axis=(2, 4))
    luma = np.array([0.299, 0.587, 0.114])  # color is stored at half the resolution
    assert np.abs((stored.frames - expected) @ luma).mean() < 3


def test_bytes_depend_on_the_corpus_alone(plain, ingest, tmp_path):
    first, _ = ingest(plain, "first")
    shutil.rmtree(tmp_path / "cache")
    second, _ = ingest(plain, "second")
    assert files_of(first) == files_of(second)
    assert not any(str(tmp_path).encode() in data for data in files_of(first).values())


def test_the_same_bytes_under_a_new_path_are_the_same_clip(plain, ingest, tmp_path):
    first, _ = ingest(plain, "first")
    done = sorted((tmp_path / "cache").rglob("record.json"))
    (plain / "good.mp4").rename(plain / "renamed.mp4")
    second, _ = ingest(plain, "second")
    assert sorted((tmp_path / "cache").rglob("record.json")) == done
    assert rows_of(first)["good.mp4"].clip_id == rows_of(second)["renamed.mp4"].clip_id


def test_nothing_to_read_and_nothing_usable(tmp_path, ingest):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError) as caught:
        ingest(empty, "a")
    assert caught.value.code is ErrorCode.CORPUS_EMPTY
    (empty / "x.mp4").write_text("text")
    with pytest.raises(InputError) as caught:
        ingest(empty, "b")
    assert caught.value.code is ErrorCode.NO_USABLE_CLIP
    assert "media_corrupt" in caught.value.message
    with pytest.raises(InputError) as caught:
        ingest(empty / "x.mp4", "c")
    assert caught.value.code is ErrorCode.CORPUS_UNREADABLE


def test_the_split_depends_on_the_scene_alone_and_keeps_its_shares(config):
    splits = [split_of(f"s/{i}", config) for i in range(4000)]
    assert splits == [split_of(f"s/{i}", config) for i in range(4000)]
    assert splits.count("val") == pytest.approx(400, rel=0.2)
    assert splits.count("benchmark") == pytest.approx(200, rel=0.25)


def test_a_status_is_ready_exactly_without_reasons(plain, ingest):
    (plain / "empty.mp4").write_bytes(b"")
    for row in rows_of(ingest(plain)[0]).values():
        assert (row.status is ClipStatus.READY) == (not row.reasons)
