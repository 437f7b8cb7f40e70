"""A stopped parent does not wait for jobs of minutes, and their scratch files go."""

import os
import signal
import threading
import time
from concurrent.futures import as_completed
from pathlib import Path

import pytest

from infra.worker_pool import worker_pool

PATIENCE = 120


def _patient(scratch: str) -> None:
    directory = Path(scratch)
    directory.mkdir()
    try:
        time.sleep(PATIENCE)
    finally:
        directory.rmdir()


def _work(places: list[Path]) -> None:
    with worker_pool(2, ["cv2"]) as pool:
        for future in as_completed([pool.submit(_patient, str(place)) for place in places]):
            future.result()


def test_ctrl_c_ends_running_jobs_at_once(tmp_path):
    places = [tmp_path / f"job-{number}" for number in range(4)]

    def interrupt_once_two_run():
        while sum(place.exists() for place in places) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt_once_two_run, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        _work(places)
    assert time.monotonic() - began < PATIENCE / 2
    assert not list(tmp_path.iterdir())


def test_a_failing_job_ends_the_others(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(FileExistsError):
        _work([tmp_path / "slow", tmp_path / "there"])
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
