"""The command line on one workdir, for the end-to-end scripts: what it answers, and what must hold."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.settings import environment_with_profile

ROOT = Path(__file__).resolve().parents[2]


class StepError(Exception):
    """Something that had to hold did not."""


@dataclass(frozen=True)
class WmCommands:
    """``wm`` from the code under ``code`` on one workdir; every call is told with its exit code and seconds."""

    workdir: Path
    code: Path = ROOT

    def wm(self, *arguments: str, code: int = 0) -> str:
        """Standard output of a command that must end with ``code``; of one that must fail, its errors."""
        call = [sys.executable, "-m", "workflows.cli.main", *arguments, "--workdir", str(self.workdir)]
        environment = {**environment_with_profile("local"), "PYTHONPATH": str(self.code)}
        began = time.monotonic()
        done = subprocess.run(call, capture_output=True, text=True, check=False, env=environment, cwd=self.code)
        say(f"  wm {' '.join(arguments)}  [{done.returncode}, {time.monotonic() - began:.1f} s]")
        if done.returncode != code:
            raise StepError(f"exit {done.returncode}, wanted {code}: {done.stderr.strip()[-600:]}")
        return done.stdout if code == 0 else done.stderr

    def answer(self, *arguments: str) -> dict[str, Any]:
        """The JSON object a command prints last."""
        return json.loads(self.wm(*arguments, "--json").strip().splitlines()[-1])

    def clips(self) -> dict[str, dict[str, Any]]:
        """Path -> its line of ``wm corpus stats``."""
        return {clip["path"]: clip for clip in self.answer("corpus", "stats")["clips"]}

    def statuses(self, *arguments: str) -> dict[str, str]:
        """Stage -> how it ended in a run."""
        return {stage["name"]: stage["status"] for stage in self.answer("run", *arguments)["stages"]}


def demand(holds: object, what: str) -> None:
    """Say what holds; stop where it does not."""
    if not holds:
        raise StepError(what)
    say(f"ok: {what}")


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
