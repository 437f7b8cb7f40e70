"""Run the stage on small corpora."""

import shutil

import pytest
from fault_cases import Listener
from small_sources import HEIGHT, WIDTH, moving_frames
from two_of_each import write_corpus

from data_contracts.clip import ClipRow
from infra.stage import StageContext
from tasks.ingest.config import IngestConfig
from tasks.ingest.stage import run_ingest
from tasks.vision.tables import read_table
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


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    corpus = tmp_path_factory.mktemp("sound") / "corpus"
    corpus.mkdir()
    write_corpus(corpus)
    return corpus


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def corpus(sound, tmp_path):
    """A copy of two inputs of each source, to break the second."""
    return shutil.copytree(sound, tmp_path / "corpus")


@pytest.fixture
def read(corpus, tmp_path, config, cache):
    """Ingest the corpus: its rows by path, and the lines that were said."""

    def run():
        output, listener = tmp_path / "out", Listener()
        output.mkdir()
        run_ingest(
            StageContext("ingest", {"corpus": corpus}, {"ingest": output}, config, "c", cache, progress=listener)
        )
        return {row.path: row for row in read_table(output / "clips.parquet", ClipRow)}, listener.lines

    return run
