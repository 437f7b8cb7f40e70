"""The clips behind a release are those of every version of the latents in its lineage; a lost version stops it."""

import polars as pl
import pytest

from data_contracts.errors import OperationError
from data_contracts.provenance import LatestPointer, Provenance
from infra.catalog import Catalog, manifest_digest
from infra.store import Store, scan
from infra.stored_file import stored_file
from infra.workdir import Workdir
from tasks.release.closure import INDEX, closure_clips

TEXTS = ("key", "code_digest", "config_digest", "resources_digest", "flyte_execution", "mlflow_run", "git_commit")
MAPPINGS = ("reads", "config", "packages", "environment", "metrics")


def published(workdir, directory, name, inputs):
    """A version of an artifact, stored and recorded as a run leaves it."""
    catalog, made = Catalog(workdir.catalog), scan(directory)
    Store(workdir.objects).add(directory, made)
    catalog.add_manifest(made)
    empty = {**{key: {} for key in MAPPINGS}, **dict.fromkeys(TEXTS, "")}
    facts = {"manifest_digest": manifest_digest(made), "inputs": inputs, "siblings": {name: made.id}, "note": ""}
    facts |= {"stage": name, "started_at": "2026-01-01T00:00:00+00:00", "seconds": 1.0, "items": 1}
    catalog.add_provenance(Provenance(artifact=name, id=made.id, **facts, **empty))
    catalog.move_latest(LatestPointer(artifact=name, id=made.id, stage=name, key=""))
    return made.id


def latents(folder, clip):
    folder.mkdir()
    row = {"clip_id": clip, "source_video_id": "v", "source": "plain", "licence": "CC0-1.0"}
    pl.DataFrame([row]).write_parquet(folder / INDEX)
    return folder


@pytest.fixture
def trained(tmp_path):
    """A checkpoint of yesterday's latents beside today's: workdir, inputs of the release, yesterday's id."""
    workdir = Workdir(tmp_path / "work")
    old = published(workdir, latents(tmp_path / "old", "yesterday"), "latents", {})
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "model.json").write_text("{}")
    published(workdir, tmp_path / "student", "self_forcing", {"latents": old})
    published(workdir, latents(tmp_path / "new", "today"), "latents", {})
    return workdir, {"latents": tmp_path / "new", "self_forcing": tmp_path / "student"}, old


def test_yesterdays_clips_are_behind_the_release(trained):
    workdir, inputs, _ = trained
    assert [clip.clip_id for clip in closure_clips(workdir, inputs, [])] == ["today", "yesterday"]


def test_a_lost_version_is_named_and_stops_it(trained):
    workdir, inputs, old = trained
    stored_file(Catalog(workdir.catalog), Store(workdir.objects), old, INDEX).unlink()
    with pytest.raises(OperationError, match=f"index.parquet of latents {old} is gone") as caught:
        closure_clips(workdir, inputs, [])
    assert "dvc fetch" in caught.value.fix
