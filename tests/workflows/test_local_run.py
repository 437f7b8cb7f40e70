"""Runs, hits, spans and forces on a small pipeline of real stages, under Flyte's local execution."""

import json
from pathlib import Path

import pytest
from fake_stages.pipeline import GRAPH, run, statuses, write_corpus, write_recipes

from data_contracts.errors import InputError
from infra.catalog import Catalog
from infra.workdir import Workdir


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus", [1, 2, 3, 20])
    return tmp_path


def total(home: Path) -> int:
    return json.loads((home / "work/artifacts/total/data.json").read_text())["sum"]


def test_a_second_run_executes_nothing(home):
    pipeline = write_recipes(home / "recipes")
    first, second = run(pipeline, home), run(pipeline, home)
    assert first.error is None
    assert statuses(first) == ["executed"] * 3
    assert statuses(second) == ["cached"] * 3
    assert [result.artifact for result in first.stages] == [result.artifact for result in second.stages]
    assert total(home) == 6


def test_same_bytes_elsewhere_hit_and_changed_bytes_miss(home):
    pipeline = write_recipes(home / "recipes")
    run(pipeline, home)
    (home / "corpus").rename(home / "moved")
    write_corpus(home / "corpus", [1, 2, 3, 20])
    assert statuses(run(pipeline, home)) == ["cached"] * 3
    write_corpus(home / "corpus", [1, 2, 4, 20])
    assert statuses(run(pipeline, home)) == ["executed"] * 3
    assert total(home) == 7


def test_a_threshold_that_changes_no_verdict_reruns_the_verdicts_alone(home):
    run(write_recipes(home / "recipes"), home)
    moved = run(write_recipes(home / "recipes", sieve={"limit": 15}), home)
    assert statuses(moved) == ["cached", "executed", "cached"]
    changed = run(write_recipes(home / "recipes", sieve={"limit": 25}), home)
    assert statuses(changed) == ["cached", "executed", "executed"]
    back = run(write_recipes(home / "recipes"), home)
    assert statuses(back) == ["cached"] * 3
    assert total(home) == 6


def test_force_runs_again_and_gives_the_same_id(home):
    pipeline = write_recipes(home / "recipes")
    first = run(pipeline, home)
    again = run(pipeline, home, None, None, "collect")
    assert statuses(again) == ["executed", "cached", "cached"]
    assert again.stages[0].artifact == first.stages[0].artifact
    records = Catalog(Workdir(home / "work").catalog).provenance_of("collect", first.stages[0].artifact)
    assert len(records) == 2
    assert {record.mlflow_run for record in records} - {""} == {record.mlflow_run for record in records}


def test_a_span_starts_on_the_latest_finished_inputs(home):
    pipeline = write_recipes(home / "recipes")
    with pytest.raises(InputError, match="E201"):
        run(pipeline, home, "nothing")
    with pytest.raises(InputError, match="E203"):
        run(pipeline, home, "total", "collect")
    missing = run(pipeline, home, "total")
    assert missing.error is not None
    assert missing.error.code.value.startswith("E204")
    assert statuses(run(pipeline, home, None, "sieve")) == ["executed", "executed"]
    assert statuses(run(pipeline, home, "sieve")) == ["cached", "executed"]


def test_too_few_accepted_stop_the_run_after_their_verdicts_are_published(home):
    pipeline = write_recipes(home / "recipes", sieve={"limit": 1})
    outcome = run(pipeline, home)
    assert statuses(outcome) == ["executed", "executed", "skipped"]
    assert outcome.error is not None
    assert outcome.error.code.value.startswith("E104")
    assert outcome.error.exit_code == 1
    assert (home / "work/artifacts/sieve_verdicts/data.json").exists()
    again = run(pipeline, home, "total")
    assert again.error is not None
    assert again.error.code.value.startswith("E104")


def test_a_touched_file_is_healed_before_it_is_read(home):
    pipeline = write_recipes(home / "recipes")
    run(pipeline, home)
    victim = home / "work/artifacts/collect/numbers/n0.txt"
    victim.write_text("9")
    again = run(write_recipes(home / "recipes", total={"factor": 2}), home)
    assert statuses(again) == ["cached", "cached", "executed"]
    assert victim.read_text() == "1"
    assert total(home) == 12


def test_a_wrong_recipe_key_is_named_before_anything_runs(home):
    pipeline = write_recipes(home / "recipes", total={"factr": 2})
    outcome = run(pipeline, home)
    assert statuses(outcome) == ["skipped"] * 3
    assert outcome.error is not None
    assert "factr" in outcome.error.message
    assert outcome.error.exit_code == 2


def test_the_graph_knows_who_makes_what():
    assert GRAPH.producer("sieve_scores").name == "sieve"
