"""The doors between packages are shut where the house says so, and the check can go red."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("data_contracts", "infra", "kernels", "model", "serving", "tasks", "workflows")
LINTER = Path(sys.executable).parent / "lint-imports"


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINTER, "--no-cache"], cwd=tree, capture_output=True, text=True, timeout=300, check=False)


def test_every_contract_is_kept() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module")
def broken_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with one planted violation per contract."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", tree)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "kernels" / "planted.py").write_text("import numpy\n")
    (tree / "data_contracts" / "planted.py").write_text("import infra.settings\n")
    (tree / "tasks" / "pose" / "planted.py").write_text("import tasks.splat\n")
    (tree / "workflows" / "planted.py").write_text("import torch\n")
    (tree / "serving" / "planted.py").write_text("import tasks.release\n")
    return tree


def test_planted_violations_break_every_contract(broken_tree: Path) -> None:
    result = lint(broken_tree)
    assert result.returncode == 1
    assert "Contracts: 0 kept, 5 broken." in result.stdout, result.stdout
