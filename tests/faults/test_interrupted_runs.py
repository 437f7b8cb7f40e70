"""A run that is killed, interrupted or out of disk leaves whole artifacts only, and the next one goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fake_stages.pipeline import run, statuses, write_corpus, write_recipes

from data_contracts.errors import ErrorCode, OperationError
from infra.settings import environment_with_profile
from infra.store import scan

STAGES = ("collect", "sieve", "total")
HELPERS = Path(__file__).parents[1] / "helpers"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus", [1, 2, 3, 20])
    return tmp_path


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, str]:
    """Ids of an undisturbed run."""
    home = tmp_path_factory.mktemp("undisturbed")
    write_corpus(home / "corpus", [1, 2, 3, 20])
    outcome = run(write_recipes(home / "recipes"), home)
    return {result.name: result.artifact for result in outcome.stages}


def start(home: Path) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(ROOT), str(HELPERS)])
    command = [sys.executable, "-m", "fake_stages.pipeline", str(home / "recipes"), str(home)]
    return subprocess.Popen(
        command, env={**environment_with_profile("local"), "PYTHONPATH": paths}, stderr=subprocess.PIPE
    )


def wait_for(home: Path, stage: str) -> None:
    """Until the stage has half of its output in the scratch."""
    deadline = time.monotonic() + 120
    while not list((home / "work" / "tmp").glob(f"{stage}-*/*/half.bin")):
        if time.monotonic() > deadline:
            pytest.fail(f"{stage} never began")
        time.sleep(0.05)


def nothing_half_written(home: Path) -> bool:
    files = [path for path in (home / "work").rglob("*") if path.is_file()]
    return not any("half.bin" in path.name or path.name.startswith(".tmp-") for path in files)


@pytest.mark.parametrize("stage", STAGES)
def test_kill_9_in_any_stage(home, expected, stage):
    write_recipes(home / "recipes", **{stage: {"pause": 300.0}})
    process = start(home)
    wait_for(home, stage)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for name in STAGES[STAGES.index(stage) :]:
        assert not (home / "work" / "catalog" / "latest" / f"{name}.json").exists()
    outcome = run(write_recipes(home / "recipes"), home)
    assert outcome.error is None
    assert {result.name: result.artifact for result in outcome.stages} == expected
    assert nothing_half_written(home)


def test_ctrl_c_ends_with_130_and_without_a_traceback(home, expected):
    write_recipes(home / "recipes", sieve={"pause": 300.0})
    process = start(home)
    wait_for(home, "sieve")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert nothing_half_written(home)
    outcome = run(write_recipes(home / "recipes"), home)
    assert statuses(outcome) == ["cached", "executed", "executed"]
    assert {result.name: result.artifact for result in outcome.stages} == expected


@pytest.mark.parametrize("stage", STAGES)
def test_an_interrupt_in_any_stage_is_no_error(home, stage):
    outcome = run(write_recipes(home / "recipes", **{stage: {"fail": "interrupt"}}), home)
    assert outcome.interrupted
    assert outcome.error is None
    assert statuses(outcome)[STAGES.index(stage)] == "failed"
    assert nothing_half_written(home)


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk_is_named_and_the_next_run_goes_on(home, expected, stage):
    outcome = run(write_recipes(home / "recipes", **{stage: {"fail": "disk"}}), home)
    assert outcome.error is not None
    assert outcome.error.code is ErrorCode.DISK_FULL
    assert outcome.error.exit_code == 1
    assert nothing_half_written(home)
    again = run(write_recipes(home / "recipes"), home)
    assert {result.name: result.artifact for result in again.stages} == expected


def test_a_full_disk_while_publishing(home, expected, monkeypatch):
    def full(_store, _source, _digest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("infra.store.Store._put", full)
    outcome = run(write_recipes(home / "recipes"), home)
    assert outcome.error is not None
    assert outcome.error.code is ErrorCode.DISK_FULL
    monkeypatch.undo()
    again = run(write_recipes(home / "recipes"), home)
    assert {result.name: result.artifact for result in again.stages} == expected
    assert nothing_half_written(home)


def test_a_bug_is_coded_and_its_traceback_is_in_the_log(home):
    outcome = run(write_recipes(home / "recipes", total={"fail": "bug"}), home)
    assert outcome.error is not None
    assert outcome.error.code is ErrorCode.INTERNAL
    assert "ZeroDivisionError" in outcome.error.message
    assert statuses(outcome) == ["executed", "executed", "failed"]
    log = Path(outcome.error.fix.removeprefix("see "))
    assert "Traceback" in log.read_text()


def test_a_second_process_finds_the_workdir_busy(home):
    write_recipes(home / "recipes", collect={"pause": 300.0})
    process = start(home)
    try:
        wait_for(home, "collect")
        with pytest.raises(OperationError, match=f"E206.*{process.pid}"):
            run(write_recipes(home / "recipes"), home)
    finally:
        process.kill()
        process.wait()


def test_output_is_deterministic_to_the_byte(home, expected):
    run(write_recipes(home / "recipes"), home)
    assert {name: scan(home / "work/artifacts" / name).id for name in ("collect", "total")} == {
        name: expected[name] for name in ("collect", "total")
    }
