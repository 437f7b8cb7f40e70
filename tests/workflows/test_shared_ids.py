"""The same id in DVC, MLflow and provenance; a workdir is a DVC project that DVC itself finds clean."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fake_stages.pipeline import options, statuses, write_corpus, write_recipes

from data_contracts.errors import OperationError
from infra import dvc_project
from infra.catalog import Catalog
from infra.store import Store
from infra.workdir import Workdir
from workflows.local_run import RunHooks, run_span


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """One run, recorded by MLflow itself."""
    home = tmp_path_factory.mktemp("shared")
    write_corpus(home / "corpus", [1, 2, 3, 20])
    outcome = run_span(write_recipes(home / "recipes"), options(home), RunHooks())
    assert statuses(outcome) == ["executed"] * 3
    return home


def dvc(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=home / "work", capture_output=True, text=True, check=True)
    return done.stdout


def latest(home: Path) -> dict[str, str]:
    return {pointer.artifact: pointer.id for pointer in Catalog(home / "work/catalog").all_latest()}


def test_dvc_finds_the_run_clean_and_a_changed_artifact_not(home):
    assert "up to date" in dvc(home, "status")
    lock = yaml.safe_load((home / "work/dvc.lock").read_text())
    locked = {Path(out["path"]).name: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}
    assert locked == latest(home)
    victim = home / "work/artifacts/total/data.json"
    before = victim.read_text()
    victim.write_text("{}")
    assert "artifacts/total" in dvc(home, "status")
    victim.write_text(before)
    assert "up to date" in dvc(home, "status")


def test_dvc_notices_other_code_or_configuration(home):
    path = home / "work/params.yaml"
    params = yaml.safe_load(path.read_text())
    dvc_project.write_params(Workdir(home / "work"), {"total": {**params["total"], "code": "0" * 64}})
    assert "total" in dvc(home, "status")
    dvc_project.write_params(Workdir(home / "work"), params)


def test_a_push_gives_the_remote_every_byte(home):
    workdir = Workdir(home / "work")
    dvc_project.push(workdir)
    remote = Store(workdir.root / "remote" / "files" / "md5")
    catalog = Catalog(workdir.catalog)
    assert [remote.verify(catalog.manifest(artifact_id)) for artifact_id in latest(home).values()] == [[]] * 5


def test_a_push_without_its_bytes_is_an_error(home, tmp_path):
    empty = Workdir(tmp_path / "empty")
    empty.root.mkdir()
    with pytest.raises(OperationError, match="dvc push"):
        dvc_project.push(empty)


def test_mlflow_has_a_parent_and_a_child_per_stage_with_the_ids(home):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'work/mlflow.db'}")
    experiment = client.get_experiment_by_name("sana-wm")
    runs = client.search_runs([experiment.experiment_id])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert [run.info.status for run in runs] == ["FINISHED"] * 4
    assert len(parents) == 1
    children = {run.data.tags["stage"]: run for run in runs if run is not parents[0]}
    assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {parents[0].info.run_id}
    tagged = {
        name.removeprefix("artifact."): value
        for run in children.values()
        for name, value in run.data.tags.items()
        if name.startswith("artifact.")
    }
    assert tagged == latest(home)
    catalog = Catalog(home / "work/catalog")
    record = catalog.provenance_of("total", tagged["total"])[0]
    assert record.mlflow_run == children["total"].info.run_id
    assert children["sieve"].data.metrics["accepted"] == 3
