"""A function of ours in a process of its own, beside the run: low priority, collected at the end, never in the way."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

RUN = "import importlib, json, sys; m, f, a = json.loads(sys.argv[1]); getattr(importlib.import_module(m), f)(*a)"
NICENESS = 10


class BackgroundCall:
    """Calls ``module:function`` with string arguments in a new interpreter; output goes to a log file."""

    def __init__(self, target: str, arguments: Sequence[str], log: Path) -> None:
        module, _, function = target.partition(":")
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        call = json.dumps([module, function, list(arguments)])
        command = ["nice", "-n", str(NICENESS), sys.executable, "-c", RUN, call]
        with log.open("w") as stream:
            self._process = subprocess.Popen(command, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL)

    def wait(self, seconds: float) -> bool:
        """Whether it ended well within this time; what has not ended by then is stopped."""
        try:
            return self._process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            self.stop()
            return False

    def stop(self) -> None:
        """End it now."""
        self._process.terminate()
        self._process.wait()
