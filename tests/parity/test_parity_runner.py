"""``make parity`` passes on the recorded vectors, and goes red when a value, a kind or a directory is wrong."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).parents[2]
VECTORS = ROOT.parent / "shared" / "vectors"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="the recorded vectors are not beside the repository")


def parity(directory: Path, kinds: str = "", backend: str = "reference") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tests/parity/run.py", "--vectors", str(directory), "--kinds", kinds]
    command += ["--backend", backend]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=300)


@needs_vectors
def test_recorded_vectors_pass() -> None:
    result = parity(VECTORS)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
    assert " 0 failed" in result.stdout


@needs_vectors
def test_one_wrong_value_is_red(tmp_path: Path) -> None:
    for suffix in ("json", "safetensors"):
        shutil.copy(VECTORS / f"rope.{suffix}", tmp_path / f"renamed.{suffix}")
    tensors = load_file(tmp_path / "renamed.safetensors")
    name = sorted(tensors)[0]
    tensors[name] = tensors[name] + 0.001
    save_file(tensors, tmp_path / "renamed.safetensors")
    result = parity(tmp_path, "rope")
    assert result.returncode == 1
    assert "1 failed" in result.stdout


def test_nothing_run_unknown_kind_and_unknown_backend_are_red(tmp_path: Path) -> None:
    assert "nothing was run" in parity(tmp_path).stdout
    assert parity(tmp_path).returncode == 1
    (tmp_path / "new.json").write_text(json.dumps({"kind": "dance", "valid_for_profiles": ["v2"]}))
    result = parity(tmp_path, "dance")
    assert result.returncode == 1
    assert "no runner for kind 'dance'" in result.stdout
    assert parity(tmp_path, backend="cuda").returncode == 1
