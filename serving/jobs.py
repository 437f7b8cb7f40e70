"""The durable store of video jobs: SQLite and one folder of media per job. Knows nothing of models or HTTP.

A job is committed before anyone is told of it. After a crash ``recover`` puts what was running back in the queue:
generation is deterministic, so running it again gives the same video.
"""

import shutil
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_contracts.wire import JobStatus, Video, VideoError, VideoRequest

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL UNIQUE,
    status TEXT NOT NULL,
    progress INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    request TEXT NOT NULL,
    error TEXT
)
"""


@dataclass(frozen=True)
class Job:
    """One stored job."""

    id: str
    status: JobStatus
    progress: int
    created_at: int
    completed_at: int | None
    request: VideoRequest
    error: VideoError | None

    def view(self) -> Video:
        """The job as clients see it."""
        return Video(
            id=self.id,
            model=self.request.model,
            status=self.status,
            progress=self.progress,
            created_at=self.created_at,
            completed_at=self.completed_at,
            seconds=self.request.seconds,
            size=self.request.size,
            prompt=self.request.prompt,
            error=self.error,
        )


class JobStore:
    """Jobs under ``root``; every method is one transaction and safe to call from any thread.

    ``scratch`` is for files of no job, emptied at every start.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._media = root / "media"
        self.scratch = root / "tmp"
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        self._lock = threading.Lock()
        self._database = sqlite3.connect(root / "jobs.sqlite", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute(SCHEMA)

    def create(self, request: VideoRequest, image: bytes | None) -> Job:
        """Store a new job, its image first: a job that can be seen is complete."""
        job_id = f"video_{uuid.uuid4().hex}"
        home = self._media / job_id
        home.mkdir(parents=True)
        if image is not None:
            (home / "input.png").write_bytes(image)
        with self._transaction() as database:
            database.execute(
                "INSERT INTO jobs SELECT ?, COALESCE(MAX(sequence), 0) + 1, ?, 0, ?, NULL, ?, NULL FROM jobs",
                (job_id, JobStatus.QUEUED, int(time.time()), request.model_dump_json()),
            )
        return self._require(job_id)

    def get(self, job_id: str) -> Job | None:
        """One job, or None."""
        rows = self._rows("WHERE id = ?", (job_id,))
        return rows[0] if rows else None

    def page(self, after: str | None, limit: int, ascending: bool) -> tuple[list[Job], bool]:
        """Up to ``limit`` jobs by time of creation, those that follow ``after``; and whether there are more."""
        order, sign = ("ASC", ">") if ascending else ("DESC", "<")
        where, values = "", ()
        if after is not None:
            where, values = f"WHERE sequence {sign} (SELECT sequence FROM jobs WHERE id = ?)", (after,)
        rows = self._rows(f"{where} ORDER BY sequence {order} LIMIT {limit + 1}", values)
        return rows[:limit], len(rows) > limit

    def waiting(self) -> list[Job]:
        """Queued jobs, oldest first."""
        return self._rows("WHERE status = ? ORDER BY sequence", (JobStatus.QUEUED,))

    def recover(self) -> list[Job]:
        """Put jobs that were running when the process ended back in the queue; gives all that wait."""
        with self._transaction() as database:
            database.execute(
                "UPDATE jobs SET status = ?, progress = 0 WHERE status = ?", (JobStatus.QUEUED, JobStatus.IN_PROGRESS)
            )
        return self.waiting()

    def start(self, job_id: str) -> bool:
        """Mark a queued job as running; False when it is gone."""
        return self._change("status = ?", (JobStatus.IN_PROGRESS,), job_id, JobStatus.QUEUED)

    def advance(self, job_id: str, progress: int) -> bool:
        """Record progress in percent; False when the job is gone."""
        return self._change("progress = ?", (min(progress, 99),), job_id, JobStatus.IN_PROGRESS)

    def complete(self, job_id: str) -> bool:
        """The video is there; False when the job was deleted meanwhile."""
        values = (JobStatus.COMPLETED, int(time.time()))
        return self._change("status = ?, progress = 100, completed_at = ?", values, job_id, JobStatus.IN_PROGRESS)

    def fail(self, job_id: str, error: VideoError) -> bool:
        """The job ends without a video."""
        values = (JobStatus.FAILED, int(time.time()), error.model_dump_json())
        return self._change("status = ?, completed_at = ?, error = ?", values, job_id, JobStatus.IN_PROGRESS)

    def delete(self, job_id: str) -> bool:
        """Forget a job and remove its files; False when there is none."""
        with self._transaction() as database:
            gone = database.execute("DELETE FROM jobs WHERE id = ?", (job_id,)).rowcount > 0
        shutil.rmtree(self._media / job_id, ignore_errors=True)
        return gone

    def image_path(self, job_id: str) -> Path:
        """Where the job's conditioning image lies, if it has one."""
        return self._media / job_id / "input.png"

    def video_path(self, job_id: str) -> Path:
        """Where the job's video lies once it is completed."""
        return self._media / job_id / "video.mp4"

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def _require(self, job_id: str) -> Job:
        job = self.get(job_id)
        if job is None:
            raise KeyError(job_id)
        return job

    def _change(self, assignment: str, values: tuple[object, ...], job_id: str, status: JobStatus) -> bool:
        with self._transaction() as database:
            changed = database.execute(
                f"UPDATE jobs SET {assignment} WHERE id = ? AND status = ?", (*values, job_id, status)
            )
            return changed.rowcount > 0

    def _rows(self, clause: str, values: tuple[object, ...]) -> list[Job]:
        columns = "id, status, progress, created_at, completed_at, request, error"
        with self._lock:
            rows = self._database.execute(f"SELECT {columns} FROM jobs {clause}", values).fetchall()
        return [_job(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def _job(row: tuple[object, ...]) -> Job:
    job_id, status, progress, created, completed, request, error = row
    return Job(
        str(job_id),
        JobStatus(str(status)),
        int(str(progress)),
        int(str(created)),
        None if completed is None else int(str(completed)),
        VideoRequest.model_validate_json(str(request)),
        None if error is None else VideoError.model_validate_json(str(error)),
    )
