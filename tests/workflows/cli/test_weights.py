"""``wm weights`` as a user meets it: every command, on small files, by exit code and output."""

import json
import shutil
from pathlib import Path

import pytest
from synthetic_latents import write_synthetic_latents
from tiny_bundle import write_tiny_bundle
from typer.testing import CliRunner, Result

from data_contracts.errors import InputError
from data_contracts.weights import WeightsLayout
from workflows.cli.weights import app


def wm(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("student")
    written = wm("fixture", "--layout", "released-streaming", "--preset", "tiny", "--out", root)
    assert written.exit_code == 0, written.output
    return root


def test_fixture_inspect_verify_convert_sign_in_a_row(student: Path, tmp_path: Path) -> None:
    shown = wm("inspect", student)
    assert "released-streaming" in shown.output
    assert "softmax blocks have no" in shown.output
    assert json.loads(wm("inspect", student, "--json").output)["key_map"]["missing"] == []
    assert "no problem found" in wm("verify", student).output
    ours = tmp_path / "ours"
    converted = wm("convert", student, ours, "--numerics", "v1")
    assert converted.exit_code == 0, converted.output
    assert json.loads((ours / "model.json").read_text())["numerics"] == "v1"
    signed = wm("sign", ours, "--keys", tmp_path / "keys")
    assert signed.exit_code == 0, signed.output
    checked = wm("verify", ours, "--keys", tmp_path / "keys", "--json")
    assert json.loads(checked.output)["problems"] == []
    (ours / "model.json").write_text((ours / "model.json").read_text() + " ")
    refused = wm("verify", ours, "--keys", tmp_path / "keys")
    assert isinstance(refused.exception, InputError)
    assert "model.json: digest" in refused.exception.message


def test_a_broken_file_ends_with_2_and_names_the_key(student: Path, tmp_path: Path) -> None:
    file = shutil.copytree(student, tmp_path / "cut") / "sana_dit" / "model.pt"
    file.write_bytes(file.read_bytes()[:-200_000])
    ended = wm("verify", file, "--json")
    assert isinstance(ended.exception, InputError)
    assert ended.exception.exit_code == 2
    problem = json.loads(ended.output.splitlines()[0])["problems"][0]
    assert "truncated: tensor 'model." in problem["detail"]


def test_the_hub_is_asked_only_with_both_pins(tmp_path: Path) -> None:
    ended = wm("convert", tmp_path / "hub", tmp_path / "out", "--from-hub", "owner/name")
    assert isinstance(ended.exception, InputError)
    assert "--revision" in ended.exception.fix
    assert not (tmp_path / "hub").exists()


def test_probe_profile_on_a_latents_artifact(tmp_path: Path) -> None:
    write_synthetic_latents(tmp_path / "latents", clips=2)
    wm("fixture", "--out", tmp_path / "ours")
    asked = ("probe-profile", tmp_path / "ours", tmp_path / "latents", "--levels", "1", "--limit", "1")
    report = json.loads(wm(*asked, "--json").output)
    assert {one["profile"] for one in report["losses"]} == {"v1", "v2", "diffusers"}
    assert report["mode"] == "bidirectional"
    assert "recommended: " in wm(*asked).output


def test_probe_profile_on_videos_through_the_bundles_codec(tmp_path: Path) -> None:
    import numpy as np

    from tasks.vision.video import write_video

    bundle = write_tiny_bundle(tmp_path)
    clips = tmp_path / "clips"
    clips.mkdir()
    frames = np.random.default_rng(0).integers(0, 255, (10, 70, 100, 3), dtype=np.uint8)
    write_video(clips / "walk.mp4", frames, 16)
    poses = np.tile(np.eye(4), (10, 1, 1))
    poses[:, 2, 3] = np.linspace(0, 1, 10)
    np.save(clips / "walk.camera.npy", poses)
    np.save(clips / "walk.intrinsics.npy", np.array([80.0, 80.0, 49.5, 34.5]))
    report = json.loads(wm("probe-profile", bundle, clips, "--json").output)
    assert (report["mode"], report["clips"]) == ("streaming", 1)
    assert report["not_applicable"] == {"diffusers": "the port is bidirectional only"}


def test_clips_of_another_codec_are_refused(tmp_path: Path) -> None:
    write_synthetic_latents(tmp_path / "latents", clips=2, channels=48)
    wm("fixture", "--out", tmp_path / "ours")
    ended = wm("probe-profile", tmp_path / "ours", tmp_path / "latents")
    assert isinstance(ended.exception, InputError)
    assert "text channels of the clips are 48, the checkpoint takes 64" in ended.exception.message
    nothing = wm("probe-profile", tmp_path / "ours", tmp_path)
    assert isinstance(nothing.exception, InputError)


def test_every_layout_has_a_fixture_that_verifies(tmp_path: Path) -> None:
    for layout in WeightsLayout:
        wm("fixture", "--layout", layout.value, "--out", tmp_path / layout.value, "--seed", "3")
        assert json.loads(wm("verify", tmp_path / layout.value, "--json").output)["layout"] == layout.value
