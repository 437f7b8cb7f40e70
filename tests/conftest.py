"""What every test may use: the modules of ``tests/helpers`` import by their plain names."""

import signal
import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

# Speed lives in benchmarks: a slow machine must not turn a property red. The same examples every time.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")

# A shell that starts the tests in the background ignores Ctrl-C, and so would every process that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
