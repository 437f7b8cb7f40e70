"""Compile the backward kernels for Hopper, with no GPU: ``python -m kernels.compile_backward``.

As ``kernels.compile_all`` does for the forward: what does not compile or fit, or spills more than a little in bfloat16,
fails the run.
"""

import sys
from collections.abc import Callable

import torch

from kernels.camera_gdn import launch as camera
from kernels.camera_gdn import launch_backward as camera_backward
from kernels.compile_all import HEADS, SPACE, usage
from kernels.frame_gdn import launch as frame
from kernels.frame_gdn import launch_backward as frame_backward
from kernels.key_prep.launch_backward import features_backward_in_place
from kernels.offline import compile_calls
from kernels.scan import Ends
from kernels.short_conv.launch_backward import short_conv_backward

FRAMES, DIM = 14, 112
# Bytes a thread. The camera's steps spill 656, and that is the fastest of four plans timed on an H100: 3.7 ms, the
# others 5.1 to 6.0.
MOST_STACK = 768


def calls(dtype: torch.dtype) -> list[Callable[[], object]]:
    """Every backward at the released model's sizes; values are never read."""
    raw = torch.empty(1, FRAMES, SPACE, 3 * HEADS * DIM, dtype=dtype).chunk(3, -1)
    weight = torch.empty(HEADS * DIM)
    gates = (torch.empty(1, HEADS, FRAMES, SPACE), torch.empty(1, HEADS, FRAMES))
    tables, quarter = ((torch.empty(FRAMES, SPACE, DIM // part),) * 2 for part in (2, 4))
    rays = (torch.empty(1, FRAMES, SPACE, 4, 4),) * 2
    none, output = [False] * FRAMES, torch.empty(1, FRAMES, SPACE, HEADS, DIM, dtype=dtype)
    last = torch.empty(1, HEADS, DIM + 1, DIM)
    features = (raw[0], raw[1], raw[2])

    def main_branch() -> object:
        operands = frame.raw_operands(features, (weight, weight), tables, gates, 1e-5, 1.0)
        return frame_backward.run_backward(operands, none, 1e-8, Ends(), (output, last))

    def camera_branch() -> object:
        operands = camera.raw_operands(features, (weight, weight), rays, quarter, gates, 1e-5, 1.0)
        return camera_backward.run_backward(operands, none, Ends(), (output, last[:, :, :-1]))

    def small() -> object:
        sight = torch.empty(FRAMES, dtype=torch.int32)
        extended = torch.empty(1, FRAMES + 6, SPACE, HEADS * DIM, dtype=dtype)
        short_conv_backward(extended, torch.empty(HEADS * DIM, 4, dtype=dtype), sight, output.flatten(-2))
        return features_backward_in_place(raw[0], weight, output, 1e-5)

    return [main_branch, camera_branch, small]


def main() -> int:
    """Compile, print registers and spills; returns the exit code."""
    failed = 0
    for dtype in (torch.bfloat16, torch.float32):
        for kernel in compile_calls(calls(dtype)):
            sys.stdout.write(f"{dtype!s:16} {usage(kernel)}\n")
            failed += dtype == torch.bfloat16 and kernel.stack_bytes > MOST_STACK
    sys.stdout.write(f"{failed} bfloat16 kernels spill more than {MOST_STACK} bytes a thread\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
