"""``wm`` as a user meets it: help at once, errors with a code and a fix, never a traceback."""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workflows.cli.main import ENTRIES, LazyGroup

ROOT = Path(__file__).parents[3]


def wm(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workflows.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def test_help_imports_nothing_heavy_and_names_every_command():
    code = "import sys, workflows.cli.main as m; print([n for n in sys.modules if n in %r])"
    heavy = ["torch", "flytekit", "mlflow", "pydantic", "numpy", "polars", "kserve", "great_expectations"]
    heavy += ["onnxruntime"]
    loaded = subprocess.run([sys.executable, "-c", code % heavy], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout.strip() == "[]"
    began = time.process_time()
    shown = wm("--help")
    assert shown.returncode == 0
    assert all(entry.name in shown.stdout for entry in ENTRIES)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_listed_command_exists(entry):
    assert hasattr(importlib.import_module(entry.module), entry.attribute)
    assert LazyGroup(name="wm").get_command(None, entry.name).name == entry.name


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["run", "--profile", "laptop"], 2, "E202"),
        (["run", "--from", "nothing"], 2, "E201"),
        (["run", "--until", "nothing"], 2, "E201"),
        (["run", "--force", "nothing"], 2, "E201"),
        (["run", "--from", "release", "--until", "ingest"], 2, "E203"),
        (["run", "--corpus", "nowhere"], 2, "E102"),
        (["run", "--use", "fun"], 2, "E205"),
        (["run", "--from", "release"], 2, "E204"),
        (["run", "--speed", "9"], 2, "--speed"),
        (["plan", "--from", "release"], 2, "E204"),
        (["stage", "nothing"], 2, "E201"),
        (["lineage", "nothing"], 2, "E502"),
        (["nothing"], 2, "nothing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_words_end_with_2_a_code_and_a_fix(tmp_path, arguments, code, text):
    workdir = ["--workdir", str(tmp_path / "work")] if arguments[0] in {"run", "plan", "stage", "lineage"} else []
    ended = wm(*arguments, *workdir)
    assert ended.returncode == code
    assert text in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    if text.startswith("E"):
        assert "fix:" in ended.stderr


def test_an_empty_folder_is_named_and_the_json_is_still_the_last_line(tmp_path):
    (tmp_path / "videos").mkdir()
    ended = wm("run", "--corpus", str(tmp_path / "videos"), "--workdir", str(tmp_path / "work"), "--json")
    assert ended.returncode == 2
    assert "E101" in ended.stderr
    assert "Traceback" not in ended.stderr
    result = json.loads(ended.stdout.splitlines()[-1])
    assert [stage["status"] for stage in result["stages"]] == ["skipped"] * 19


def test_a_plan_of_an_empty_workdir_is_json_and_writes_nothing(tmp_path):
    ended = wm("plan", "--workdir", str(tmp_path / "work"), "--json")
    assert ended.returncode == 0, ended.stderr
    plan = json.loads(ended.stdout)
    assert len(plan["stages"]) == 19
    assert {stage["status"] for stage in plan["stages"]} == {"miss"}
    assert not (tmp_path / "work").exists()
