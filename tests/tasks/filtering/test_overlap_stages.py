"""``screen`` and ``filter`` under a benchmark: the rule by name, its key, and nothing measured anew for another one."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from drawn_pictures import drawn_picture, write_pictures
from safetensors.numpy import save_file
from small_sources import HEIGHT, WIDTH, describe, moving_frames, trajectory

from data_contracts.clip import ClipRow
from data_contracts.contract_loader import load_contracts
from data_contracts.quality import ScoreRow, VerdictRow
from infra.stage import StageContext, digest_json
from tasks.filtering.config import FilterConfig, ScreenConfig
from tasks.filtering.report import count, explain, read_corpus
from tasks.filtering.screen import run_screen
from tasks.filtering.stage import run_filter
from tasks.ingest.config import IngestConfig
from tasks.ingest.stage import run_ingest
from tasks.vision.images import CoverCrop
from tasks.vision.tables import read_table, write_table
from tasks.vision.video import read_video, write_video
from workflows.declaration import Declaration, configured_benchmark
from workflows.graph import GRAPH
from workflows.pipeline import PRODUCT

INGEST = {"fps": 16.0, "minimum_frames": 17, "maximum_frames": 81, "verify_seconds": 60, "quality": 12}
INGEST |= {"height": HEIGHT, "width": WIDTH, "depth_stride": 4, "val_percent": 10, "benchmark_percent": 0}
RULE, PLANTED = "benchmark_overlap", 21


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    write_pictures(folder / "images", {f"game_{number:03}": drawn_picture(number) for number in range(5)})
    return folder


@pytest.fixture(scope="module")
def ingested(tmp_path_factory):
    """Two clips; one shows a benchmark's picture in frame 21."""
    root = tmp_path_factory.mktemp("ingested")
    describe(root / "corpus" / "plain", "plain")
    shows = moving_frames(1, 33)
    shows[PLANTED] = CoverCrop((180, 320), (HEIGHT, WIDTH)).picture(drawn_picture(3))
    write_video(root / "corpus" / "plain" / "a_shows.mp4", shows, 16)
    write_video(root / "corpus" / "plain" / "b_other.mp4", moving_frames(2, 33), 16)
    (root / "ingest").mkdir()
    context = StageContext("ingest", {"corpus": root / "corpus"}, {"ingest": root / "ingest"}, IngestConfig(**INGEST))
    run_ingest(context)
    return root / "ingest"


def declared(bench):
    """What a run under this benchmark declares to the stages."""
    from infra.settings import load_settings

    settings = load_settings("local").model_copy(update={"benchmark": str(bench) if bench else ""})
    return Declaration("research", benchmark=configured_benchmark(settings)), settings


def config_of(bench, stage="screen"):
    declaration, settings = declared(bench)
    config = PRODUCT.config(GRAPH.find(stage), settings, declaration)
    return (ScreenConfig if stage == "screen" else FilterConfig).model_validate(config)


def screened(ingested, root, bench):
    artifacts = root / "artifacts"
    if not (artifacts / "ingest").exists():
        shutil.copytree(ingested, artifacts / "ingest")
    shutil.rmtree(artifacts / "screen", ignore_errors=True)
    (artifacts / "screen").mkdir()
    inputs, outputs = {"ingest": artifacts / "ingest"}, {"screen": artifacts / "screen"}
    run_screen(StageContext("screen", inputs, outputs, config_of(bench), "code", root / "cache"))
    return artifacts


def overlaps(artifacts):
    scores = read_table(artifacts / "screen" / "scores.parquet", ScoreRow)
    return {score.path: score for score in scores if score.metric == "benchmark_distance"}


def test_why_names_the_picture_and_the_frame(ingested, bench, tmp_path):
    artifacts = screened(ingested, tmp_path, bench)
    reasons = {v.path: v.reasons for v in read_table(artifacts / "screen" / "verdicts.parquet", VerdictRow)}
    assert RULE in reasons["plain/a_shows.mp4"]
    assert RULE not in reasons["plain/b_other.mp4"]
    corpus = read_corpus(artifacts)
    (told,) = explain(corpus, load_contracts(), "plain/a_shows.mp4")
    (finding,) = [one for one in told.findings if one.outcome.rule == RULE]
    assert (finding.outcome.outcome, finding.worst_frame) == ("fail", PLANTED)
    assert finding.detail == f"frame {PLANTED} is nearest to benchmark image game_003"
    assert "must show no picture of the benchmark" in finding.reason
    assert count(corpus, load_contracts()).by_reason[RULE] == 1


def test_without_any_benchmark_the_rule_is_not_evaluated(ingested, tmp_path):
    artifacts = screened(ingested, tmp_path, None)
    assert overlaps(artifacts) == {}
    for path in ("plain/a_shows.mp4", "plain/b_other.mp4"):
        (told,) = explain(read_corpus(artifacts), load_contracts(), path)
        assert [one.outcome.outcome for one in told.findings if one.outcome.rule == RULE] == ["not_evaluated"]


def test_a_held_out_scene_is_the_benchmark_of_a_corpus_without_one(ingested, tmp_path):
    shutil.copytree(ingested, tmp_path / "artifacts" / "ingest")
    table = tmp_path / "artifacts" / "ingest" / "clips.parquet"
    rows = read_table(table, ClipRow)
    held = rows[1].model_copy(update={"split": "benchmark", "path": "plain/c_held.mp4", "scene_id": "held"})
    copy = rows[1].model_copy(update={"clip_id": "copy", "media_digest": "other"})
    shutil.copy(table.parent / "media" / f"{held.clip_id}.mp4", table.parent / "media" / "copy.mp4")
    write_table(table, [rows[0], copy, held], ClipRow)
    artifacts = screened(ingested, tmp_path, None)
    found = {path: (score.value < 0.2, score.detail) for path, score in overlaps(artifacts).items()}
    assert found["plain/b_other.mp4"] == (True, "frame 0 is nearest to the first frame of plain/c_held.mp4")
    assert not found["plain/a_shows.mp4"][0]
    reasons = {v.path: v.reasons for v in read_table(artifacts / "screen" / "verdicts.parquet", VerdictRow)}
    assert reasons["plain/c_held.mp4"] == []  # of the two, the benchmark's is kept


def test_another_benchmark_measures_no_clip_again(ingested, bench, tmp_path):
    screened(ingested, tmp_path, bench)
    measured = sorted(path for path in (tmp_path / "cache").rglob("*"))
    write_pictures(tmp_path / "new", {"city_001": drawn_picture(77)})
    artifacts = screened(ingested, tmp_path, tmp_path / "new")
    assert sorted(path for path in (tmp_path / "cache").rglob("*")) == measured
    assert {score.detail.rpartition(" ")[2] for score in overlaps(artifacts).values()} == {"city_001"}


@pytest.mark.parametrize("stage", ["screen", "filter"])
def test_the_key_holds_the_pictures_and_not_their_place(bench, tmp_path, stage):
    def digest(place):
        return digest_json(config_of(place, stage).model_dump(mode="json"))

    shutil.copytree(bench, tmp_path / "moved")
    before = digest(bench)
    assert digest(tmp_path / "moved") == before
    assert digest(None) != before
    write_pictures(tmp_path / "moved" / "images", {"game_001": drawn_picture(50)})
    assert digest(tmp_path / "moved") != before


def test_rendered_clips_are_compared_too(ingested, bench, tmp_path):
    """The filter joins clips that were rendered, with the same rule."""
    artifacts = screened(ingested, tmp_path, bench)
    (artifacts / "splat" / "media").mkdir(parents=True)
    listed = read_table(artifacts / "ingest" / "clips.parquet", ClipRow)
    shows = next(row for row in listed if row.path == "plain/a_shows.mp4")
    rendered = shows.model_copy(update={"path": "plain/scene.ply#loop", "clip_id": "rendered", "scene_id": "scene"})
    video = read_video(artifacts / "ingest" / "media" / f"{shows.clip_id}.mp4")
    write_video(artifacts / "splat" / "media" / "rendered.mp4", video.frames, 16)
    (artifacts / "splat" / "poses").mkdir()
    cameras = {"camera_to_world": trajectory(33), "intrinsics": np.tile([80.0, 80.0, 48.0, 32.0], (33, 1))}
    save_file(cameras, artifacts / "splat" / "poses" / "rendered.safetensors")
    write_table(artifacts / "splat" / "clips.parquet", [rendered], ClipRow)
    write_table(artifacts / "splat" / "scores.parquet", [], ScoreRow)
    found = filtered(artifacts, tmp_path / "cache", config_of(bench, "filter"))
    score = found.filter((pl.col("path") == rendered.path) & (pl.col("metric") == "benchmark_distance"))
    assert score["worst_frame"].to_list() == [PLANTED]
    assert score["value"][0] < 0.2


def filtered(artifacts: Path, cache: Path, config: FilterConfig) -> pl.DataFrame:
    """The filter's scores, with no pose for anything."""
    from data_contracts.camera import PoseRow

    (artifacts / "pose").mkdir()
    write_table(artifacts / "pose" / "poses.parquet", [], PoseRow)
    outputs = ("filter_accepted", "filter_verdicts", "filter_scores")
    for output in outputs:
        (artifacts / output).mkdir()
    places = {name: artifacts / name for name in ("ingest", "screen", "pose", "splat")}
    run_filter(StageContext("filter", places, {name: artifacts / name for name in outputs}, config, "code", cache))
    return pl.read_parquet(artifacts / "filter_scores" / "scores.parquet")


def test_a_benchmark_is_no_part_of_what_a_clip_measures(bench):
    assert config_of(bench).measuring == config_of(None).measuring
