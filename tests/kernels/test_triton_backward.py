"""The Triton gradients, interpreted on the CPU, equal float64 autograd of the references."""

from interpreter import interpreted


def test_every_gradient_equals_autograd_of_its_reference() -> None:
    result = interpreted("-m", "kernels.check_backward", "--sizes", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    for kernel in ("frame_gdn_raw", "camera_gdn_raw", "frame_gdn ", "camera_gdn ", "key_prep", "short_conv", "rotate"):
        assert kernel in result.stdout


BROKEN = """
import sys
import torch
from kernels import check_backward
from kernels.frame_gdn import autograd
from kernels.problems import CallSize
run = autograd.run_backward
def wrong(operands, resets, eps, ends, incoming):
    return run(operands, [False for _ in resets], eps, ends, incoming)
autograd.run_backward = wrong
lines = check_backward.fused(CallSize(1, 1, 2, 4, 16), torch.device("cpu"), torch.float32, 0)
sys.exit(int(any(not line.passed for line in lines)))  # stops at the first
"""


def test_a_forgotten_reset_turns_the_check_red() -> None:
    result = interpreted("-c", BROKEN)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Error" not in result.stderr
