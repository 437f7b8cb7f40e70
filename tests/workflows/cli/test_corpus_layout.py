"""``wm corpus export`` and ``check-layout`` say what they did, in words and in JSON, and fail with codes."""

import pytest
from synthetic_latents import write_synthetic_latents
from typer.testing import CliRunner

from data_contracts.errors import InputError
from data_contracts.quality import ScoreRow
from data_contracts.training_layout import LayoutCheck, TrainingExport
from tasks.filtering.verdicts import score_frame
from workflows.cli.corpus import app


@pytest.fixture
def exported(tmp_path):
    """A workdir with latents, and what the command said when it exported them."""
    artifacts = tmp_path / "work" / "artifacts"
    write_synthetic_latents(artifacts / "latents", clips=2)
    (artifacts / "filter_scores").mkdir()
    facts = {"path": "a", "scorer_version": "1", "resolution": "64x96@16"}
    scores = [ScoreRow(clip_id="0", metric="vmaf_motion", scorer="ffmpeg_vmafmotion", value=3.5, **facts)]
    score_frame(scores).write_parquet(artifacts / "filter_scores" / "scores.parquet")
    return tmp_path, call("export", "--workdir", tmp_path / "work", "--to", tmp_path / "out")


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_an_export_names_what_to_do_next(exported):
    place, result = exported
    assert result.exit_code == 0
    assert result.stdout.startswith("2 clips in ")
    assert f"wm corpus check-layout {place / 'out' / 'raw'} {place / 'out' / 'latents'}" in result.stdout
    again = call("export", "--workdir", place / "work", "--to", place / "out", "--json")
    assert TrainingExport.model_validate_json(again.stdout).clips == 2


def test_a_check_is_silent_about_whole_archives_and_fails_on_broken_ones(exported):
    place, _ = exported
    raw, latents = place / "out" / "raw", place / "out" / "latents"
    assert call("check-layout", raw, latents).stdout.startswith("2 whole clips in 1 archives; captions 2, vmafmotion 0")
    (latents / "gratings_train_0000.zip").write_bytes(b"PK")
    broken = call("check-layout", raw, latents, "--json")
    assert isinstance(broken.exception, InputError)
    found = LayoutCheck.model_validate_json(broken.stdout)
    assert found.clips == 0
    assert found.problems == ["gratings_train_0000.zip: zip cannot be read: File is not a zip file"]


def test_something_else_in_the_way_is_kept(exported):
    place, _ = exported
    (place / "out" / "notes.txt").write_text("mine")
    refused = call("export", "--workdir", place / "work", "--to", place / "out")
    assert isinstance(refused.exception, InputError)
    assert (place / "out" / "notes.txt").read_text() == "mine"
