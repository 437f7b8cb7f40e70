"""``make parity`` passes on the recorded vectors, and goes red when a value, a kind or a directory is wrong."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).parents[2]
VECTORS = ROOT.parent / "shared" / "vectors"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="the recorded vectors are not beside the repository")


@pytest.fixture
def parity(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command in this process; gives its exit code and what it printed."""
    spec = importlib.util.spec_from_file_location("parity_run", Path(__file__).with_name("run.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(directory: Path, kinds: str = "", backend: str = "reference") -> tuple[int, str]:
        code = module.main(["--vectors", str(directory), "--kinds", kinds, "--backend", backend])
        return code, capsys.readouterr().out

    return run


@needs_vectors
def test_recorded_vectors_pass(parity) -> None:
    code, output = parity(VECTORS)
    assert code == 0, output[-3000:]
    assert " 0 failed" in output


@needs_vectors
def test_one_wrong_value_is_red(parity, tmp_path: Path) -> None:
    for suffix in ("json", "safetensors"):
        shutil.copy(VECTORS / f"rope.{suffix}", tmp_path / f"renamed.{suffix}")
    tensors = load_file(tmp_path / "renamed.safetensors")
    name = sorted(tensors)[0]
    tensors[name] = tensors[name] + 0.001
    save_file(tensors, tmp_path / "renamed.safetensors")
    code, output = parity(tmp_path, "rope")
    assert code == 1
    assert "1 failed" in output


def test_nothing_run_unknown_kind_and_unknown_backend_are_red(parity, tmp_path: Path) -> None:
    code, output = parity(tmp_path)
    assert code == 1
    assert "nothing was run" in output
    (tmp_path / "new.json").write_text(json.dumps({"kind": "dance", "valid_for_profiles": ["v2"]}))
    code, output = parity(tmp_path, "dance")
    assert code == 1
    assert "no runner for kind 'dance'" in output
    assert parity(tmp_path, backend="cuda")[0] == 1
