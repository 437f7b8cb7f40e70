"""A workdir's latents in the authors' layout: read back equal, written again with the same bytes, never over others."""

import json

import numpy as np
import pytest
from synthetic_latents import write_synthetic_latents

from data_contracts.errors import ErrorCode, InputError
from data_contracts.latents import CodecInfo
from data_contracts.quality import ScoreRow
from data_contracts.training_layout import LayoutCheck, TrainingExport
from model.data.shards import read_clip
from tasks.filtering.verdicts import score_frame
from tasks.latents.training_layout import export as module
from tasks.latents.training_layout.check import check_layout
from tasks.latents.training_layout.export import export_latents
from tasks.latents.training_layout.read import read_archive
from tasks.latents.training_layout.write import write_archive


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """Six clips, their motion by the layout's scorer and their flow by another."""
    root = tmp_path_factory.mktemp("work")
    rows = write_synthetic_latents(root / "artifacts" / "latents")
    facts = {"scorer_version": "1", "resolution": "64x96@16"}
    scores = [
        ScoreRow(clip_id=row.clip_id, path=row.clip_id, metric=metric, scorer=scorer, value=value, **facts)
        for row in rows
        for metric, scorer, value in (("vmaf_motion", "ffmpeg_vmafmotion", 3.5), ("flow", "dis_medium", 9.0))
    ]
    (root / "artifacts" / "filter_scores").mkdir()
    score_frame(scores).write_parquet(root / "artifacts" / "filter_scores" / "scores.parquet")
    return root, rows


def files_of(directory):
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_what_is_exported_is_read_back_exactly(workdir, tmp_path):
    root, rows = workdir
    made = export_latents(root / "artifacts", tmp_path / "out")
    assert (made.clips, made.scores["vmafmotion"], made.scores["unimatch"]) == (6, 6, 0)
    by_key = {}
    for archive in sorted((tmp_path / "out" / "raw").glob("*.zip")):
        found = read_archive(archive, tmp_path / "out" / "latents")
        assert found.problems == []
        by_key |= {clip.key: clip for clip in found.clips}
    assert set(by_key) == {row.clip_id for row in rows}
    for row in rows:
        clip, stored = by_key[row.clip_id], read_clip(root / "artifacts" / "latents", row.shard, row.clip_id)
        for name in ("latent", "camera_to_world", "intrinsics"):
            mine, theirs = getattr(clip, name), getattr(stored, name).numpy()
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
        facts = row.model_dump(mode="json", exclude={"clip_id", "shard", "caption"})
        assert clip.metadata == facts | {"prompt": row.caption}
        assert (clip.caption, clip.scores) == ({"prompt": row.caption}, {"vmafmotion": {"vmafmotion_score": 3.5}})


def test_the_same_workdir_gives_the_same_bytes_and_so_does_what_was_read(workdir, tmp_path):
    root, _ = workdir
    export_latents(root / "artifacts", tmp_path / "out")
    first = files_of(tmp_path / "out")
    export_latents(root / "artifacts", tmp_path / "out")
    assert files_of(tmp_path / "out") == first
    for archive in (tmp_path / "out" / "raw").glob("*.zip"):
        clips = read_archive(archive, tmp_path / "out" / "latents").clips
        write_archive(tmp_path / "again" / "raw", tmp_path / "again" / "latents", archive.stem, clips)
    again = files_of(tmp_path / "again")
    assert again == {name: data for name, data in first.items() if name.startswith(("raw", "latents"))}
    assert not any(str(tmp_path).encode() in data for data in first.values())


def test_splits_have_archives_of_their_own_and_large_ones_are_parted(workdir, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CLIPS_AN_ARCHIVE", 3)
    export_latents(workdir[0] / "artifacts", tmp_path / "out")
    stems = sorted(path.stem for path in (tmp_path / "out" / "raw").glob("*.zip"))
    assert stems == ["gratings_train_0000", "gratings_train_0001", "gratings_val_0000"]


def test_the_record_names_every_file_and_the_codec(workdir, tmp_path):
    export_latents(workdir[0] / "artifacts", tmp_path / "out")
    made = TrainingExport.model_validate_json((tmp_path / "out" / "export.json").read_bytes())
    assert set(made.files) | {"export.json"} == set(files_of(tmp_path / "out"))
    stored = CodecInfo.model_validate_json((workdir[0] / "artifacts" / "latents" / "codec.json").read_bytes())
    assert made.codec == stored


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda out: (out / "mine.txt").write_text("x"), "'mine.txt', which no export wrote"),
        (lambda out: (out / "export.json").unlink(), "which no export wrote"),
        (lambda out: (out / "codec" / "codec.json").write_text("{}"), "'codec/codec.json', changed since"),
    ],
)
def test_nothing_but_an_earlier_export_is_replaced(workdir, tmp_path, spoil, told):
    out = tmp_path / "out"
    export_latents(workdir[0] / "artifacts", out)
    spoil(out)
    before = files_of(out)
    with pytest.raises(InputError, match=told):
        export_latents(workdir[0] / "artifacts", out)
    assert files_of(out) == before


def test_a_workdir_without_latents_is_told(tmp_path):
    with pytest.raises(InputError) as caught:
        export_latents(tmp_path / "artifacts", tmp_path / "out")
    assert caught.value.code is ErrorCode.INPUT_MISSING
    assert not (tmp_path / "out").exists()


def test_a_check_counts_what_is_whole_and_names_what_is_not(workdir, tmp_path):
    out = tmp_path / "out"
    export_latents(workdir[0] / "artifacts", out)
    raw, latents = out / "raw", out / "latents"
    scores = {"vmafmotion": 6, "unimatch": 0, "dover": 0, "vlm_entity_filter": 0, "vlm_quality_filter": 0}
    assert check_layout(raw, latents) == LayoutCheck(archives=2, clips=6, scores=scores, captions=6, problems=[])
    path = raw / "gratings_train_0000_vmafmotion.json"
    entries = json.loads(path.read_text())
    first = min(entries)
    path.write_text(json.dumps(entries | {first: float("nan")}))
    found = check_layout(raw, latents)
    assert found.clips == 5
    assert found.problems == [f"{path.name} [{first}]: vmafmotion is nan; it must be a number in [0, 255]"]


def test_a_key_in_two_archives_and_a_latent_without_metadata(workdir, tmp_path):
    out = tmp_path / "out"
    export_latents(workdir[0] / "artifacts", out)
    train = read_archive(out / "raw" / "gratings_train_0000.zip", out / "latents").clips
    write_archive(out / "raw", out / "latents", "more", train[:1])
    (out / "latents" / "gratings_val_0000.zip").write_bytes((out / "latents" / "gratings_train_0000.zip").read_bytes())
    problems = check_layout(out / "raw", out / "latents").problems
    assert f"more.zip [{train[0].key}]: the key is in gratings_train_0000.zip already" in problems
    assert f"gratings_val_0000.zip [{train[0].key}]: no metadata, yet a latent" in problems


def test_no_archive_is_told(tmp_path):
    with pytest.raises(InputError, match="holds no zip"):
        check_layout(tmp_path, tmp_path)
