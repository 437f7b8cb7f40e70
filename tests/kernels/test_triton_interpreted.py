"""The Triton kernels, run by Triton's interpreter on the CPU, equal their references; the check can go red."""

import subprocess
import sys

import pytest
from interpreter import ROOT, interpreted


def test_every_kernel_equals_its_reference() -> None:
    result = interpreted("-m", "kernels.check", "--draws", "0", "--sizes", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "camera_gdn" in result.stdout


BROKEN = """
from dataclasses import replace
import sys
import torch
from kernels import check
from kernels.frame_gdn import ops
from kernels.problems import CallSize
run = ops.launch.run
def wrong(operands, resets, eps, ends):
    return run(replace(operands, key_scale=operands.key_scale * 1.5), resets, eps, ends)
ops.launch.run = wrong
lines = list(check._fused(CallSize(1, 1, 2, 4, 16), torch.device("cpu"), torch.float32, 0))
sys.exit(int(not all(line.passed for line in lines if line.kernel == "frame_gdn")))
"""


def test_a_wrong_key_scale_turns_the_check_red() -> None:
    result = interpreted("-c", BROKEN)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Error" not in result.stderr


def test_without_a_device_or_the_interpreter_the_check_refuses() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    result = subprocess.run(
        [sys.executable, "-m", "kernels.check"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert result.returncode == 2
    assert "TRITON_INTERPRET=1" in result.stderr
