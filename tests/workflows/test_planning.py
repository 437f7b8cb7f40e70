"""A plan names exactly what then runs."""

from pathlib import Path

import pytest
from fake_stages.pipeline import plan, run, statuses, write_corpus, write_recipes

from data_contracts.errors import InputError
from data_contracts.plan import PlanStatus


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus", [1, 2, 3, 20])
    run(write_recipes(tmp_path / "recipes"), tmp_path)
    return tmp_path


def misses(made):
    return [stage.name for stage in made.stages if stage.status is PlanStatus.MISS]


@pytest.mark.parametrize(
    ("limit", "expected"), [(10, []), (15, ["sieve"]), (25, ["sieve", "total"]), (2, ["sieve", "total"])]
)
def test_a_moved_threshold_is_judged_on_stored_scores(home, limit, expected):
    pipeline = write_recipes(home / "recipes", sieve={"limit": limit})
    before = sorted(path for path in (home / "work").rglob("*"))
    made = plan(pipeline, home)
    assert sorted(path for path in (home / "work").rglob("*")) == before
    assert misses(made) == expected
    if expected:
        assert made.stages[1].reasons == [f"configuration changed: limit 10 -> {limit}"]
    ran = run(pipeline, home)
    assert [name.name for name in ran.stages if name.status.value == "executed"] == expected


def test_reasons_name_the_part_that_changed(home):
    write_corpus(home / "corpus", [1, 2, 3, 21])
    made = plan(write_recipes(home / "recipes", total={"factor": 3}), home)
    assert made.stages[0].reasons == ["input corpus changed"]
    assert made.stages[1].reasons == ["input collect is made anew by collect"]
    assert made.stages[2].reasons == ["input sieve_accepted is made anew by sieve"]
    assert made.stages[0].items == 4
    assert made.bytes > 0


def test_a_plan_of_nothing_yet_says_so(tmp_path):
    write_corpus(tmp_path / "corpus", [1, 2])
    made = plan(write_recipes(tmp_path / "recipes"), tmp_path)
    assert made.stages[0].reasons == ["never ran in this workdir"]
    assert made.unknown == ["collect", "sieve", "total"]
    assert not (tmp_path / "work").exists()
    with pytest.raises(InputError, match="E204"):
        plan(write_recipes(tmp_path / "recipes"), tmp_path, "total")


def test_lost_bytes_are_a_reason_to_run_again(home):
    pipeline = write_recipes(home / "recipes")
    for path in (home / "work/.dvc/cache/files/md5").rglob("*.dir"):
        path.unlink()
    assert misses(plan(pipeline, home))[0] == "collect"
    assert "are gone" in plan(pipeline, home).stages[0].reasons[0]
    assert statuses(run(pipeline, home)) == ["executed"] * 3
