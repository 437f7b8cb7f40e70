"""How far a generation is: network passes, frames, and speed against real time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress


@dataclass
class Meter:
    """A progress bar over network passes that also shows frames and how fast video is made, against real time."""

    bar: "Progress"
    fps: float
    began: float = field(default_factory=time.monotonic)
    frames: int = 0
    tasks: list[Any] = field(default_factory=list)

    def start(self, what: str, passes: int, frames: int) -> None:
        """A new line for the next piece of work."""
        self.began, self.frames = time.monotonic(), 0
        self.tasks.append(self.bar.add_task(what, total=passes, frames=f"0/{frames} frames", realtime=""))

    def passed(self) -> None:
        """One more pass begins."""
        self.bar.advance(self.tasks[-1])

    def made(self, frames: int, total: int) -> None:
        """So many more frames are written."""
        self.frames += frames
        rate = self.frames / self.fps / max(self.seconds, 1e-6)
        self.bar.update(self.tasks[-1], frames=f"{self.frames}/{total} frames", realtime=f"{rate:.2f}x realtime")

    @property
    def seconds(self) -> float:
        """Since the last start."""
        return time.monotonic() - self.began


@contextmanager
def metered(fps: float) -> Iterator[Meter]:
    """A meter on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("passes, {task.fields[frames]} {task.fields[realtime]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield Meter(bar, fps)
