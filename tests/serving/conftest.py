"""A generator that paints instead of thinking, so that tests are about the service."""

import threading

import numpy as np
import pytest

from data_contracts.wire import GenerationMode, ModelCard
from serving.engine import GenerationEngine
from serving.jobs import JobStore


class PaintedWorld:
    """Chunks of eight grey frames that get lighter; ``gate`` holds it between chunks when closed."""

    def __init__(self):
        self.card = ModelCard(
            id="sana-wm", version="0" * 64, height=64, width=96, fps=16.0, numerics="v2", modes=list(GenerationMode)
        )
        self.gate = threading.Event()
        self.gate.set()
        self.requests = []
        self.chunks = 0
        self.broken = False

    def stream(self, request, check):
        self.requests.append(request)
        if self.broken:
            raise RuntimeError("secret detail")
        made = 0
        while made < request.raw_frames:
            check()
            count = 1 if made == 0 else 8
            yield np.full((count, self.card.height, self.card.width, 3), min(255, made * 2), np.uint8)
            made += count
            self.chunks += 1
            while not self.gate.wait(0.01):
                check()


@pytest.fixture
def world():
    return PaintedWorld()


@pytest.fixture
def engine(world, tmp_path):
    engine = GenerationEngine(world, JobStore(tmp_path / "serving"), limit=3)
    engine.start()
    yield engine
    world.gate.set()
    engine.stop()
    engine.store.close()


@pytest.fixture
def wait():
    import time

    def until(condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "condition never came true"
            time.sleep(0.01)

    return until
