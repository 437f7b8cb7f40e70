"""The pipeline, its recipes in a directory of the test's own, and a process that runs it (to be killed)."""

import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from data_contracts.errors import ErrorCode
from data_contracts.plan import RunPlan
from infra.settings import load_settings
from infra.stage_spec import Preview, Requirement, StageSpec
from workflows.graph import StageGraph
from workflows.local_run import RunHooks, RunOptions, RunOutcome, run_span
from workflows.pipeline import Pipeline
from workflows.planning import plan_run

CONFIG = "fake_stages.config:FakeConfig"
ENOUGH = Requirement("accepted", 2, ErrorCode.TOO_FEW_ACCEPTED, "accepted are {value} of {minimum}", "add some")
GRAPH = StageGraph(
    (
        StageSpec("collect", "fake_stages.stage:run_collect", CONFIG, ("corpus",), ("collect",), shardable=True),
        StageSpec(
            "sieve",
            "fake_stages.stage:run_sieve",
            CONFIG,
            ("collect",),
            ("sieve_accepted", "sieve_verdicts", "sieve_scores"),
            preview=Preview.ALWAYS,
            requirement=ENOUGH,
        ),
        StageSpec("total", "fake_stages.stage:run_total", CONFIG, ("sieve_accepted",), ("total",), reads=("collect",)),
    )
)
DEFAULTS = {"factor": 1, "limit": 10, "pause": 0.0, "fail": "", "use": "research"}


def write_recipes(root: Path, **changes: dict[str, object]) -> Pipeline:
    """Recipes of all three stages, with changes per stage."""
    for name in GRAPH.names:
        path = root / "tiny" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({**DEFAULTS, **changes.get(name, {})}))
    return Pipeline(GRAPH, root)


def write_corpus(root: Path, numbers: list[int]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for index, number in enumerate(numbers):
        (root / f"n{index}.txt").write_text(str(number))
    return root


@dataclass
class MemoryTrace:
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    status: str = ""

    logged: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def finish(self, status: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        self.status, self.logged, self.tags = status, dict(metrics), {**self.tags, **tags}


class MemoryTracker:
    """Opening a new MLflow database takes seconds; one test does, the others keep their run ids in memory."""

    def __init__(self) -> None:
        self.traces: dict[str, MemoryTrace] = {}
        self.status = ""

    def start_stage(self, stage: str, tags: Mapping[str, str]) -> MemoryTrace:
        self.traces[stage] = MemoryTrace(tags=dict(tags))
        return self.traces[stage]

    def close(self, status: str) -> str:
        self.status = status
        return ""


def options(home: Path, first: str | None = None, last: str | None = None, force: tuple[str, ...] = ()) -> RunOptions:
    settings = load_settings("local").model_copy(update={"workers": 1})  # no pool to start
    return RunOptions(settings, home / "work", home / "corpus", first, last, force)


def run(pipeline: Pipeline, home: Path, first: str | None = None, last: str | None = None, *force: str) -> RunOutcome:
    """Run in ``home/work`` on ``home/corpus``."""
    return run_span(pipeline, options(home, first, last, force), RunHooks(), MemoryTracker())


def plan(pipeline: Pipeline, home: Path, first: str | None = None, last: str | None = None) -> RunPlan:
    return plan_run(pipeline, options(home, first, last), RunHooks())


def statuses(outcome: RunOutcome) -> list[str]:
    return [result.status.value for result in outcome.stages]


if __name__ == "__main__":
    ended = run(Pipeline(GRAPH, Path(sys.argv[1])), Path(sys.argv[2]))
    sys.stderr.write(f"{ended.error}\n" if ended.error else "")
    sys.exit(130 if ended.interrupted else 1 if ended.error else 0)
