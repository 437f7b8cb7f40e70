"""A call as a CUDA graph."""

from collections.abc import Callable
from typing import TypeVar

import torch

Output = TypeVar("Output")


def captured(call: Callable[[], Output]) -> tuple[Callable[[], Output], Output]:
    """Capture ``call`` (after two runs that let libraries and kernels set themselves up).

    Returns:
        Its replay, and the outputs, whose tensors every replay fills anew. A call that reads tensors reads the same
        memory at every replay.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(2):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = call()

    def replay() -> Output:
        graph.replay()
        return output

    return replay, output
