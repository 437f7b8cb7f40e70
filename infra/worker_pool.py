"""A pool of worker processes whose running jobs end at once when the parent is stopped."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")

GRACE_SECONDS = 2.0  # for a stopped job to remove its scratch files


class WorkerPool:
    """Takes jobs; made by ``worker_pool``."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self._executor = executor

    def submit(self, work: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Queue one call of a module-level function."""
        return self._executor.submit(_run_unless_stopped, work, *arguments)


@contextmanager
def worker_pool(workers: int, preload: Sequence[str]) -> Iterator[WorkerPool]:
    """A pool for jobs of minutes: an exception in the block, Ctrl-C included, ends what runs and cancels what waits.

    Args:
        workers: processes.
        preload: modules that the server imports once, for all of them.
    """
    method = multiprocessing.get_context("forkserver")
    method.set_forkserver_preload(list(preload))
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=method, initializer=_start_worker)
    try:
        yield WorkerPool(pool)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        stopped = set(multiprocessing.active_children()) - others
        for worker in stopped:
            worker.terminate()
        for worker in stopped:
            worker.join(2 * GRACE_SECONDS)
        raise
    pool.shutdown()


def _start_worker() -> None:
    """Ctrl-C belongs to the parent, which sends SIGTERM. One thread of numerics gives the same bits everywhere."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    import cv2

    cv2.setNumThreads(1)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """Unwind the job, so that its scratch files go; a second signal must not cut that short, and a timer ends it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    timer = threading.Timer(GRACE_SECONDS, os._exit, (143,))
    timer.daemon = True
    timer.start()
    sys.exit(143)


def _run_unless_stopped(work: Callable[..., Result], *arguments: object) -> Result:
    """The executor hands out a job or two ahead, which it cannot cancel any more."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
        sys.exit(143)
    return work(*arguments)
