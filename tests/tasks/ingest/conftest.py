"""Run the stage on small corpora."""

import pytest
from small_sources import HEIGHT, WIDTH, moving_frames

from infra.stage import StageContext
from tasks.ingest.config import IngestConfig
from tasks.ingest.stage import run_ingest
from tasks.vision.video import write_video


@pytest.fixture
def config():
    return IngestConfig(
        height=HEIGHT,
        width=WIDTH,
        fps=16.0,
        minimum_frames=17,
        maximum_frames=81,
        verify_seconds=60,
        quality=12,
        depth_stride=4,
        val_percent=10,
        benchmark_percent=5,
    )


@pytest.fixture
def ingest(tmp_path, config):
    """Run the stage on a corpus; returns its output directory and summary."""

    def run(corpus, name="out", **changes):
        output = tmp_path / name
        output.mkdir()
        used = config.model_copy(update=changes)
        context = StageContext("ingest", {"corpus": corpus}, {"ingest": output}, used, "code", tmp_path / "cache")
        return output, run_ingest(context)

    return run


@pytest.fixture
def plain(tmp_path):
    """A folder with one good video."""
    folder = tmp_path / "videos"
    folder.mkdir()
    write_video(folder / "good.mp4", moving_frames(), 16)
    return folder
