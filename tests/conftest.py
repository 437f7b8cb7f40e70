"""What every test may use: the modules of ``tests/helpers`` import by their plain names."""

import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

# Speed lives in benchmarks: a slow machine must not turn a property red. The same examples every time.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")

# A shell that starts the tests in the background ignores Ctrl-C, and so would every process that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def one_thread():
    """PyTorch with one thread: in networks this small, threads mostly wait for one another."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
