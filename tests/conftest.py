"""What every test may use: the modules of ``tests/helpers`` import by their plain names."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "helpers"))
