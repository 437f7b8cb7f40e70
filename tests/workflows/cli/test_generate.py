"""``wm generate`` from the command line: a playable file, a record, coded errors."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import write_tiny_bundle

from data_contracts.generation import GenerationRecord
from tasks.vision.video import read_video
from workflows.cli.main import main


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny_bundle(tmp_path_factory.mktemp("generate"))


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "first.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 120, 3), np.uint8)).save(path)
    return path


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["wm", "generate", "--prompt", "a room", *map(str, arguments)])
    try:
        return main() or 0
    except SystemExit as stop:
        return int(stop.code or 0)


def test_a_video_and_its_record(monkeypatch, capsys, bundle, picture, tmp_path):
    output = tmp_path / "new" / "out.mp4"
    code = run(monkeypatch, "--bundle", bundle, "--image", picture, "--action", "w-10,d-6", "-o", output, "--json")
    assert code == 0
    record = GenerationRecord.model_validate(json.loads(capsys.readouterr().out.splitlines()[-1]))
    assert record.raw_frames == 17
    frames = read_video(output).frames
    assert frames.shape == (17, 64, 96, 3)
    assert frames.std() > 0


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["--action", "fly"], 2, "action"),
        (["--camera", "absent.npy"], 2, "absent.npy"),
        (["--waypoints", "absent.yaml"], 2, "absent.yaml"),
        (["--action", "w-8", "--image", "absent.png"], 2, "absent.png"),
        ([], 2, "--action"),
        (["--action", "w-8", "--camera", "a.npy"], 2, "exactly one"),
    ],
    ids=["bad action", "no camera file", "no waypoint file", "no image", "no path", "two paths"],
)
def test_a_wrong_command_line_is_exit_2_and_named(monkeypatch, capsys, bundle, tmp_path, arguments, code, named):
    monkeypatch.setenv("COLUMNS", "200")
    assert run(monkeypatch, "--bundle", bundle, "-o", tmp_path / "out.mp4", *arguments) == code
    captured = capsys.readouterr()
    assert named in captured.err
    assert "Traceback" not in captured.err
    assert not (tmp_path / "out.mp4").exists()


def test_a_workdir_without_a_release_is_exit_2(monkeypatch, capsys, tmp_path):
    assert run(monkeypatch, "--workdir", tmp_path, "--action", "w-8", "-o", tmp_path / "out.mp4") == 2
    assert "no release" in capsys.readouterr().err
