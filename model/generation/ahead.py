"""Making the next chunk while the last one is written: H.264 on the CPU beside the networks."""

from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

import torch

AHEAD = 2
POLL_SECONDS = 0.2
Item = TypeVar("Item")
Make = Callable[[Callable[[], None]], Iterator[Item]]


class _StoppedError(Exception):
    """Raised inside the maker when nobody reads any more."""


class _Lane(Generic[Item]):
    """What maker and reader share: items on their way, how they ended, and whether anybody still reads."""

    def __init__(self, ahead: int) -> None:
        self.waiting: Queue[Item | None] = Queue(ahead)
        self.stopped = Event()
        self.error: BaseException | None = None

    def check(self) -> None:
        """Raise if nobody reads any more."""
        if self.stopped.is_set():
            raise _StoppedError

    def put(self, item: Item | None) -> None:
        """Hand over an item, or None at the end; waits for room."""
        while True:
            self.check()
            try:
                return self.waiting.put(item, timeout=POLL_SECONDS)
            except Full:
                continue


def run_ahead(make: Make[Item], ahead: int = AHEAD) -> Iterator[Item]:
    """The items of ``make(check)`` in order, made by a thread of its own that is at most ``ahead`` items ahead.

    What the maker raises is raised here, after all that came before it. Leaving early makes ``check`` raise, and so
    stops the maker at its next call of it or its next item.

    Args:
        make: gives the items; calls what it is given as often as it can stop.
        ahead: items that may wait.
    """
    lane: _Lane[Item] = _Lane(ahead)
    # PyTorch keeps the number of threads per thread, and it decides bits.
    maker = Thread(target=_make, args=(make, lane, torch.get_num_threads()), name="run-ahead")
    maker.start()
    try:
        while (item := lane.waiting.get()) is not None:
            yield item
        if lane.error is not None:
            raise lane.error
    finally:
        lane.stopped.set()
        _drain(lane.waiting)
        maker.join()


def _make(make: Make[Item], lane: _Lane[Item], threads: int) -> None:
    torch.set_num_threads(threads)
    try:
        for item in make(lane.check):
            lane.put(item)
    except _StoppedError:
        return
    except BaseException as error:  # handed over and raised by the reader
        lane.error = error
    try:
        lane.put(None)
    except _StoppedError:
        return


def _drain(waiting: "Queue[Item | None]") -> None:
    while True:
        try:
            waiting.get_nowait()
        except Empty:
            return
