"""Launch plans of the backward kernels: one row for each precision; nothing is tuned at run time."""

from kernels.launch import INTERPRETER, CallShape
from kernels.plans import Plan

INTERPRETED = Plan(block=64, warps=4, stages=1)  # the interpreter wants few large tiles
EXACT = Plan(block=16, warps=8, stages=1)
FAST = {  # the fastest of four to six candidates each on an H100, at the released model's sizes
    "read_backward": Plan(block=32, warps=8, stages=2),
    "steps_backward": Plan(block=32, warps=8, stages=2),
    "camera_read_backward": Plan(block=64, warps=8, stages=1),
    "camera_steps_backward": Plan(block=64, warps=8, stages=1),
    "adjoint_scan": Plan(block=16, warps=4, stages=3),
    "transition_backward": Plan(block=32, warps=4, stages=2),
}


def backward_plan(kernel: str, shape: CallShape) -> Plan:
    """How one backward kernel is launched for a call; an override of the call wins.

    Raises:
        KeyError: if there is no such kernel.
    """
    if kernel in shape.overrides:
        return shape.overrides[kernel]
    plan = FAST[kernel]
    if shape.capability == INTERPRETER:
        return INTERPRETED
    return EXACT if shape.precision.operand.itemsize == 4 else plan  # float32 products need the room
