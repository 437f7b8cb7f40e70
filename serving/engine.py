"""One model, one thread, one bounded queue. Stored jobs and direct requests wait in the same line.

The thread is the only place that generates. Between two pieces of work it asks whether anyone still wants the video: a
deleted job and an abandoned request end there, and the device is free for the next.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from data_contracts.errors import ErrorCode, OperationError, SanaWMError
from data_contracts.wire import ModelCard, VideoError, VideoRequest
from model.generation.request import GenerationRequest
from serving.jobs import Job, JobStore
from serving.plan import plan_video
from serving.video import ProgressiveVideo, fit_frames

log = logging.getLogger(__name__)


class VideoGenerator(Protocol):
    """What the engine needs of a loaded model."""

    @property
    def card(self) -> ModelCard:
        """What is served."""
        ...

    def stream(
        self, request: GenerationRequest, check: Callable[[], None]
    ) -> Iterator[UInt8[ndarray, "frames height width 3"]]:
        """Frames as they are made; ``check`` is called between denoising steps and may raise to stop."""
        ...


class QueueFullError(OperationError):
    """As many videos as allowed are waiting; ``retry_after`` is a guess in seconds of when to try again."""

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(ErrorCode.CAPACITY, f"{limit} videos are waiting already", f"try again in {retry_after} s")
        self.retry_after = retry_after


class AbandonedError(Exception):
    """Nobody wants this video any more."""


@dataclass(frozen=True)
class DirectWork:
    """A video that somebody waits for. Set ``abandoned`` when nobody does any more."""

    request: GenerationRequest
    path: Path
    done: Future[None] = field(default_factory=Future)
    abandoned: threading.Event = field(default_factory=threading.Event)


class GenerationEngine:
    """Runs videos one after another.

    Args:
        generator: the loaded model.
        store: where jobs and their media live.
        limit: how many videos may wait or run before new ones are refused.
    """

    def __init__(self, generator: VideoGenerator, store: JobStore, limit: int) -> None:
        self.generator = generator
        self.store = store
        self.scratch = store.scratch
        self._limit = limit
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._waiting = 0
        self._seconds = 5.0  # running mean of the time a video takes, for Retry-After
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="generation", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the generation thread runs."""
        return self._thread.is_alive() and not self._stopping.is_set()

    def start(self) -> None:
        """Take up what an earlier process left, then wait for work."""
        for job in self.store.recover():
            self._put(lambda job=job: self._run_job(job))
        self._thread.start()

    def stop(self) -> None:
        """Stop between two pieces of work; a running job stays in the store and is taken up by the next start."""
        self._stopping.set()
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def submit(self, request: VideoRequest, image: bytes | None) -> Job:
        """Store a job, then schedule it.

        Raises:
            QueueFullError: too many are waiting.
        """
        self._reserve()
        try:
            job = self.store.create(request, image)
        except BaseException:
            self._release()
            raise
        self._queue.put(lambda: self._run_job(job))
        return job

    def submit_direct(self, request: GenerationRequest, path: Path) -> DirectWork:
        """Schedule a video that is written to ``path`` and not stored.

        Raises:
            QueueFullError: too many are waiting.
        """
        self._reserve()
        work = DirectWork(request, path)
        self._queue.put(lambda: self._run_direct(work))
        return work

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            if self._stopping.is_set():
                return
            started = time.monotonic()
            try:
                work()
            finally:
                self._release()
                self._seconds += 0.3 * (time.monotonic() - started - self._seconds)

    def _run_job(self, job: Job) -> None:
        if not self.store.start(job.id):
            return  # deleted while it waited
        try:
            self._write_job(job)
        except AbandonedError:
            log.info("job %s: abandoned", job.id)
        except SanaWMError as error:
            self.store.fail(job.id, VideoError(code=error.code.value, message=error.message))
        except Exception:
            # The thread must outlive any one video: the trace goes to the log, the client gets a code.
            log.exception("job %s failed", job.id)
            message = "the video could not be generated; the operator's log has the details"
            self.store.fail(job.id, VideoError(code=ErrorCode.INTERNAL.value, message=message))

    def _write_job(self, job: Job) -> None:
        plan = plan_video(job.request, self.generator.card, _read_image(self.store.image_path(job.id)))
        made = 0

        def check() -> None:
            if self._stopping.is_set() or not self.store.advance(job.id, 100 * made // plan.request.raw_frames):
                raise AbandonedError(job.id)

        destination = self.store.video_path(job.id)
        with ProgressiveVideo(destination, self.generator.card.fps) as video:
            for frames in self.generator.stream(plan.request, check):
                video.append(fit_frames(frames, plan.height, plan.width))
                made += len(frames)
                check()
        if not self.store.complete(job.id):
            raise AbandonedError(job.id)

    def _run_direct(self, work: DirectWork) -> None:
        if not work.done.set_running_or_notify_cancel():
            return
        try:
            self._write_direct(work)
        except Exception as error:  # handed to whoever waits, who answers it or logs it
            work.done.set_exception(error)
        else:
            work.done.set_result(None)

    def _write_direct(self, work: DirectWork) -> None:
        def check() -> None:
            if self._stopping.is_set() or work.abandoned.is_set():
                raise AbandonedError(work.path.name)

        with ProgressiveVideo(work.path, self.generator.card.fps) as video:
            for frames in self.generator.stream(work.request, check):
                video.append(frames)
                check()

    def _put(self, work: Callable[[], None]) -> None:
        with self._guard:
            self._waiting += 1
        self._queue.put(work)

    def _reserve(self) -> None:
        with self._guard:
            if self._waiting >= self._limit:
                raise QueueFullError(self._limit, max(1, round(self._seconds)))
            self._waiting += 1

    def _release(self) -> None:
        with self._guard:
            self._waiting -= 1


def _read_image(path: Path) -> UInt8[ndarray, "height width 3"] | None:
    return np.asarray(Image.open(path).convert("RGB")) if path.exists() else None
