"""Python with Triton's interpreter, in a process of its own: Triton reads the setting when it is imported."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def interpreted(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python`` with these arguments from the root."""
    call = ["env", "TRITON_INTERPRET=1", "OMP_NUM_THREADS=1", sys.executable, *arguments]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
