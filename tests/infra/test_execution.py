"""Shards, failures, progress and warm resources, each by itself."""

import io
from pathlib import Path

import pytest
from fake_stages.pipeline import GRAPH, MemoryTracker, write_corpus, write_recipes
from rich.console import Console

from data_contracts.errors import ErrorCode, InputError
from infra.execution import execute, warm_shard
from infra.failures import as_coded_error
from infra.job import prepare_job
from infra.progress import LineProgress
from infra.request import RunRequest
from infra.session import open_session
from infra.settings import load_settings
from infra.stage import Shard
from infra.warm import WarmResources
from workflows.declaration import Declaration


def test_shards_fill_the_cache_and_the_stage_finds_everything_done(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", list(range(20)))
    pipeline = write_recipes(tmp_path / "recipes")
    settings = load_settings("local").model_copy(update={"workers": 1})
    request = RunRequest("local", str(tmp_path / "work"), str(corpus))
    with open_session(request, settings, MemoryTracker()) as session:
        spec = GRAPH.find("collect")
        job = prepare_job(session, spec, pipeline.config(spec, settings, Declaration("research")), {"corpus": "c"})
        for index in range(3):
            warm_shard(session, job, Shard(index, 3))
        done = list(session.workdir.clip_cache.rglob("record.json"))
        assert len(done) == 20
        times = [path.stat().st_mtime_ns for path in done]
        execute(session, job)
        assert [path.stat().st_mtime_ns for path in done] == times
        assert len(list(session.workdir.artifact("collect").rglob("*.txt"))) == 20


def test_a_rank_above_0_works_and_leaves_everything_to_rank_0(tmp_path, monkeypatch):
    corpus = write_corpus(tmp_path / "corpus", [1, 2])
    pipeline = write_recipes(tmp_path / "recipes")
    settings = load_settings("local").model_copy(update={"workers": 1})
    request = RunRequest("local", str(tmp_path / "work"), str(corpus))
    tracker = MemoryTracker()
    with open_session(request, settings, tracker) as session:
        spec = GRAPH.find("collect")
        job = prepare_job(session, spec, pipeline.config(spec, settings, Declaration("research")), {"corpus": "c"})
        monkeypatch.setenv("RANK", "3")
        assert execute(session, job) == {"collect": ""}
        assert not session.workdir.artifacts.exists()
        assert not session.workdir.catalog.exists()
        assert len(list(session.workdir.clip_cache.rglob("record.json"))) == 2
        monkeypatch.setenv("RANK", "0")
        made = execute(session, job)
        monkeypatch.setenv("RANK", "3")
        assert execute(session, job) == made
    assert list(tracker.traces) == ["collect"]


def test_failures_are_coded(tmp_path):
    log = tmp_path / "work" / "logs" / "run.log"
    nested = RuntimeError("writer failed")
    nested.__cause__ = OSError(28, "No space left on device")
    assert as_coded_error(nested, log).code is ErrorCode.DISK_FULL
    assert as_coded_error(Exception("(sqlite3.OperationalError) database or disk is full"), log).code is (
        ErrorCode.DISK_FULL
    )
    assert as_coded_error(MemoryError(), log).code is ErrorCode.CAPACITY
    wrapped = RuntimeError("outer")
    wrapped.__cause__ = InputError(ErrorCode.CORPUS_EMPTY, "none", "add")
    assert as_coded_error(wrapped, log).exit_code == 2
    assert not log.exists()
    assert as_coded_error(ValueError("odd\nvalue"), log).message == "ValueError: value"
    assert "ValueError" in log.read_text()


def test_lines_come_at_most_every_ten_seconds_with_the_time_left():
    now = [0.0]
    stream = io.StringIO()
    progress = LineProgress(Console(file=stream), clock=lambda: now[0])
    progress.start("pose", 100)
    for _ in range(40):
        now[0] += 1
        progress.advance()
    assert stream.getvalue().splitlines() == [
        f"  pose: {done}/100, about {100 - done} s left" for done in (10, 20, 30, 40)
    ]


class Resource:
    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def close(self) -> None:
        self.log.append(self.name)


def test_warm_resources_are_made_once_and_closed_last_made_first():
    log: list[str] = []
    warm = WarmResources()
    first = warm.keep("a", lambda: Resource(log, "a"))
    assert warm.keep("a", lambda: Resource(log, "again")) is first
    warm.keep("b", lambda: Resource(log, "b"))
    warm.drop("a")
    warm.keep("c", lambda: Resource(log, "c"))
    warm.close()
    assert log == ["a", "c", "b"]
    with pytest.raises(ZeroDivisionError):
        warm.keep("d", lambda: 1 // 0)


def test_the_lock_names_its_holder(tmp_path: Path):
    from infra.workdir import Workdir

    workdir = Workdir(tmp_path / "work")
    (workdir.scratch / "left").mkdir(parents=True)
    with workdir.locked():
        assert not workdir.scratch.exists()
        assert (workdir.root / ".lock").read_text().strip().isdigit()
