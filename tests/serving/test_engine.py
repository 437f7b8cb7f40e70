"""Jobs are stored first, run one after another, stop when nobody wants them, and survive a restart."""

import av
import numpy as np
import pytest

from data_contracts.wire import JobStatus, VideoRequest
from model.generation.action_path import walk_forward
from model.generation.first_frame import default_intrinsics
from model.generation.request import GenerationRequest
from serving.engine import AbandonedError, GenerationEngine, QueueFullError
from serving.jobs import JobStore

REQUEST = VideoRequest(prompt="a room", model="sana-wm", seconds="2", size="96x64")


def status(engine, job):
    found = engine.store.get(job.id)
    return found.status if found else None


def test_a_job_becomes_a_video(engine, wait):
    job = engine.submit(REQUEST, None)
    assert job.status is JobStatus.QUEUED
    wait(lambda: status(engine, job) is JobStatus.COMPLETED)
    with av.open(str(engine.store.video_path(job.id))) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 33
    assert frames[-1].mean() > frames[0].mean() + 30


def test_the_delivered_size_is_the_one_asked_for(engine, wait):
    job = engine.submit(REQUEST.model_copy(update={"size": "192x128"}), None)
    wait(lambda: status(engine, job) is JobStatus.COMPLETED)
    with av.open(str(engine.store.video_path(job.id))) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (192, 128)


def test_deleting_a_running_job_stops_it_and_frees_the_device(engine, world, wait):
    world.gate.clear()
    running = engine.submit(REQUEST, None)
    wait(lambda: world.chunks == 1)
    assert status(engine, running) is JobStatus.IN_PROGRESS
    assert engine.store.delete(running.id)
    following = engine.submit(REQUEST, None)
    wait(lambda: len(world.requests) == 2)
    world.gate.set()
    wait(lambda: status(engine, following) is JobStatus.COMPLETED)
    assert not engine.store.video_path(running.id).exists()
    assert status(engine, running) is None


def test_a_full_queue_refuses_and_says_when_to_come_back(engine, world, wait):
    world.gate.clear()
    jobs = [engine.submit(REQUEST, None) for _ in range(3)]
    with pytest.raises(QueueFullError) as caught:
        engine.submit(REQUEST, None)
    assert caught.value.retry_after >= 1
    assert len(engine.store.page(None, 10, True)[0]) == 3
    world.gate.set()
    wait(lambda: all(status(engine, job) is JobStatus.COMPLETED for job in jobs))
    engine.submit(REQUEST, None)


def test_a_failing_model_fails_the_job_with_a_code_and_no_detail(engine, world, wait):
    world.broken = True
    job = engine.submit(REQUEST, None)
    wait(lambda: status(engine, job) is JobStatus.FAILED)
    error = engine.store.get(job.id).error
    assert error.code.startswith("E599")
    assert "secret" not in error.message
    world.broken = False
    again = engine.submit(REQUEST, None)
    wait(lambda: status(engine, again) is JobStatus.COMPLETED)
    assert engine.alive


def test_a_job_that_ran_when_the_process_ended_is_run_again(world, tmp_path, wait):
    root = tmp_path / "serving"
    world.gate.clear()
    first = GenerationEngine(world, JobStore(root), limit=3)
    first.start()
    running, waiting = first.submit(REQUEST, None), first.submit(REQUEST, None)
    wait(lambda: world.chunks == 1)
    first.stop()
    first.store.close()
    world.gate.set()
    second = GenerationEngine(world, JobStore(root), limit=3)
    second.start()
    wait(lambda: all(status(second, job) is JobStatus.COMPLETED for job in (running, waiting)))
    second.stop()
    second.store.close()


def test_an_abandoned_direct_request_stops(engine, world, wait):
    path = walk_forward(33)
    request = GenerationRequest(None, "a room", path, np.tile(default_intrinsics(64, 96), (33, 1)))
    world.gate.clear()
    work = engine.submit_direct(request, engine.scratch / "x.mp4")
    wait(lambda: world.chunks == 1)
    work.abandoned.set()
    with pytest.raises(AbandonedError):
        work.done.result(timeout=10)
    assert not work.path.exists()
