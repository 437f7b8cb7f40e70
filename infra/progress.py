"""How far a run is: rows with ETA on a terminal, plain lines in logs. Always on standard error."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0


class TerminalProgress:
    """Rich rows; one per label, removed when complete."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description:>18}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._current: TaskID | None = None

    def start(self, label: str, total: int) -> None:
        """Begin a row; the previous one is done."""
        self.finish()
        self._progress.start()
        self._current = self._progress.add_task(label, total=total)

    def advance(self, units: int = 1) -> None:
        """Some units are done."""
        if self._current is not None:
            self._progress.advance(self._current, units)

    def say(self, message: str) -> None:
        """One plain line above the rows."""
        self._progress.console.print(message, highlight=False, markup=False)

    def finish(self) -> None:
        """Take the row away."""
        if self._current is not None:
            self._progress.remove_task(self._current)
            self._current = None
            self._progress.stop()


class LineProgress:
    """Plain lines, at most one in ten seconds, with the time that is left at the present pace."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._label, self._total, self._done = "", 0, 0
        self._began = self._spoke = 0.0

    def start(self, label: str, total: int) -> None:
        """Begin counting."""
        self._label, self._total, self._done = label, total, 0
        self._began = self._spoke = self._clock()

    def advance(self, units: int = 1) -> None:
        """Some units are done."""
        self._done += units
        now = self._clock()
        if now - self._spoke >= SECONDS_BETWEEN_LINES:
            self._spoke = now
            left = (now - self._began) / max(self._done, 1) * max(self._total - self._done, 0)
            self.say(f"  {self._label}: {self._done}/{self._total}, about {left:.0f} s left")

    def say(self, message: str) -> None:
        """One plain line."""
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)

    def finish(self) -> None:
        """Nothing to take away."""


RunProgress = TerminalProgress | LineProgress


def open_progress() -> RunProgress:
    """Rows where standard error is a terminal, lines elsewhere."""
    console = Console(stderr=True)
    return TerminalProgress(console) if console.is_terminal else LineProgress(console)
