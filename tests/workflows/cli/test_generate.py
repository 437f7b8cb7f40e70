"""``wm generate`` from the command line: a playable file, a record, coded errors."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import RUN, write_checkpoint, write_encoders, write_tiny_bundle
from tiny_refiner import write_tiny_refiner

from data_contracts.generation import GenerationBatch, GenerationRecord
from model.generation.bundle import write_bundle
from tasks.vision.video import read_video
from workflows.cli.main import main


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny_bundle(tmp_path_factory.mktemp("generate"))


@pytest.fixture(scope="module")
def refined_bundle(tmp_path_factory):
    root = tmp_path_factory.mktemp("refined")
    parts = write_checkpoint(root / "checkpoint"), write_encoders(root / "encoders")
    write_bundle(root / "bundle", *parts, RUN, write_tiny_refiner(root / "refiner"))
    return root / "bundle"


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


def test_a_released_checkpoint_with_all_its_parts(monkeypatch, capsys, picture, tmp_path):
    from data_contracts.weights import WeightsLayout
    from model.generation.released.fixture import write_release_fixture

    checkpoint, output = tmp_path / "release", tmp_path / "out.mp4"
    write_release_fixture(checkpoint, WeightsLayout.STREAMING, seed=0)
    path = ["--image", picture, "--action", "w-24", "--size", "64x96", "-o", output, "--json"]
    assert run(monkeypatch, "--checkpoint", checkpoint, *path) == 0
    record = GenerationRecord.model_validate(json.loads(capsys.readouterr().out.splitlines()[-1]))
    assert record.refined
    assert record.sampling.mode == "streaming"
    assert {name.split("/")[0] for name in record.weights.files} >= {"backbone", "refiner", "causal_vae", "captions"}
    assert read_video(output).frames.shape == (25, 64, 96, 3)
    assert run(monkeypatch, "--checkpoint", checkpoint, *path, "--no-refine", "--numerics", "v1") == 0
    plain = GenerationRecord.model_validate(json.loads(capsys.readouterr().out.splitlines()[-1]))
    assert (plain.refined, plain.weights.numerics) == (False, "v1")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--size", "64x96"], "--checkpoint; give one"),
        (["--checkpoint", "absent"], "absent is not a directory"),
        (["--checkpoint", ".", "--size", "64x90"], "64x90, must be HxW in multiples of 32"),
        (["--checkpoint", ".", "--size", "64"], "must be HxW"),
    ],
    ids=["options alone", "absent", "size", "one side"],
)
def test_a_wrong_checkpoint_is_exit_2_and_named(monkeypatch, capsys, tmp_path, arguments, named):
    monkeypatch.setenv("COLUMNS", "200")
    assert run(monkeypatch, "--action", "w-24", "-o", tmp_path / "out.mp4", *arguments) == 2
    assert named in capsys.readouterr().err


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


def test_the_record_lies_beside_the_video_and_names_all_that_decides_it(monkeypatch, capsys, bundle, picture, tmp_path):
    output = tmp_path / "out.mp4"
    arguments = ["--bundle", bundle, "--image", picture, "--action", "w-8", "--key-map", "1", "--seed", "7"]
    assert run(monkeypatch, *arguments, "--mode", "teacher", "--overlay", "-o", output) == 0
    record = GenerationRecord.model_validate_json(output.with_suffix(".json").read_bytes())
    assert (record.input.action, record.input.key_map, record.input.seed) == ("w-8", 1, 7)
    assert record.sampling.chunk_starts == [0]
    assert record.sampling.mode.value == "teacher"
    assert record.weights.files["model.safetensors"] == record.version
    assert {"codec.safetensors", "null_text.safetensors", "model.json"} <= record.weights.files.keys()
    assert record.runtime.versions["torch"]
    again = tmp_path / "again.mp4"
    assert run(monkeypatch, *arguments, "--mode", "teacher", "--overlay", "-o", again) == 0
    assert again.read_bytes() == output.read_bytes()
    second = GenerationRecord.model_validate_json(again.with_suffix(".json").read_bytes())
    same = {"output": "", "seconds": 0.0, "realtime": 0.0}
    assert record.model_copy(update=same) == second.model_copy(update=same)


def test_only_the_best_candidates_are_refined_and_written(monkeypatch, capsys, refined_bundle, picture, tmp_path):
    output = tmp_path / "out.mp4"
    arguments = ["--bundle", refined_bundle, "--image", picture, "--action", "w-8", "--candidates", "3", "--keep", "2"]
    assert run(monkeypatch, *arguments, "--refine", "-o", output, "--json") == 0
    batch = GenerationBatch.model_validate(json.loads(capsys.readouterr().out.splitlines()[-1]))
    first, second = batch.videos
    assert first.score is not None
    assert second.score is not None
    assert first.score.total >= second.score.total
    assert {first.input.seed, second.input.seed} < {42, 43, 44}
    assert first.refined
    assert "refiner/merged.safetensors" in first.weights.files
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out_1.json", "out_1.mp4", "out_2.json", "out_2.mp4"]
    alone = tmp_path / "alone.mp4"
    seed = ["--seed", str(first.input.seed)]
    assert run(monkeypatch, *arguments[:-4], *seed, "-o", alone) == 0
    assert alone.read_bytes() == (tmp_path / "out_1.mp4").read_bytes()


def test_a_bench_export_cut_to_a_count(monkeypatch, bundle, picture, tmp_path):
    camera = tmp_path / "scene.npz"
    lens = np.array([[110.0, 0, 60], [0, 110, 40], [0, 0, 1]])
    poses = np.tile(np.eye(4), (60, 1, 1))
    np.savez(camera, c2w=poses, intrinsics=np.tile(lens, (60, 1, 1)), fps=16.0, num_frames=60)
    output = tmp_path / "out.mp4"
    arguments = ["--bundle", bundle, "--image", picture, "--camera", camera, "--frames", "30", "-o", output]
    assert run(monkeypatch, *arguments, "--precision", "bf16") == 0
    record = GenerationRecord.model_validate_json(output.with_suffix(".json").read_bytes())
    assert (record.raw_frames, record.runtime.precision) == (25, "bf16")


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["-o", "out.json"], 2, "must end in .mp4"),
        (["--overlay", "--camera", "a.npy"], 2, "exactly one"),
        (["--candidates", "2", "--keep", "3"], 2, "--keep is 3"),
        (["--refine"], 2, "holds no refiner"),
        (["--key-map", "5"], 2, "key map version 5"),
        (["--frames", "9"], 2, "needs at least 25"),
    ],
    ids=["suffix", "overlay of a file", "keep", "no refiner", "key map", "too few frames"],
)
def test_a_wish_that_cannot_be_met_is_exit_2(monkeypatch, capsys, bundle, tmp_path, arguments, code, named):
    monkeypatch.setenv("COLUMNS", "200")
    output = tmp_path / "out.mp4"
    assert run(monkeypatch, "--bundle", bundle, "-o", output, "--action", "w-8", *arguments) == code
    captured = capsys.readouterr()
    assert named in captured.err
    assert "Traceback" not in captured.err
    assert not output.exists()


def test_too_little_memory_is_exit_1_before_anything_is_loaded(monkeypatch, capsys, bundle, tmp_path):
    monkeypatch.setattr("model.generation.preflight.free_bytes", lambda _device: 2**20)
    monkeypatch.setattr("model.generation.pipeline.load_checkpoint", lambda _path: pytest.fail("loaded"))
    assert run(monkeypatch, "--bundle", bundle, "-o", tmp_path / "out.mp4", "--action", "w-8") == 1
    assert "E508-memory-short" in capsys.readouterr().err


def test_other_weights_than_the_bundle_names_are_refused(monkeypatch, capsys, tmp_path):
    bundle = write_tiny_bundle(tmp_path / "a")
    other = write_checkpoint(tmp_path / "other", seed=5)
    (bundle / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    assert run(monkeypatch, "--bundle", bundle, "-o", tmp_path / "out.mp4", "--action", "w-8") == 2
    assert "bundle.json names" in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()
