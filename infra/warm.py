"""Things worth keeping warm from one stage of a run to the next, such as a group of started worker processes."""

from collections.abc import Callable
from typing import Protocol, TypeVar


class Closable(Protocol):
    """Anything that must be closed when the run ends."""

    def close(self) -> None:
        """Release what is held; called once."""


Kept = TypeVar("Kept", bound=Closable)


class WarmResources:
    """Named resources, made on first use, closed together in reverse order when the run ends (also after a failure).

    ``wm run`` hands one instance to all stages of the run; a stage started alone has its own, closed at its end.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Closable] = {}

    def keep(self, name: str, factory: Callable[[], Kept]) -> Kept:
        """The resource of this name; ``factory`` makes it on first use. One name stands for one type."""
        if name not in self._kept:
            self._kept[name] = factory()
        return self._kept[name]  # pyright: ignore[reportReturnType]

    def drop(self, name: str) -> None:
        """Close and forget one resource (a group of which a member died); the next ``keep`` makes a fresh one."""
        if name in self._kept:
            self._kept.pop(name).close()

    def close(self) -> None:
        """Close everything, the last made first; a later ``keep`` starts afresh."""
        for name in reversed(list(self._kept)):
            self.drop(name)
