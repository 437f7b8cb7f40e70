"""The whole stage: a real server answers, the release is signed and registered; bytes depend on inputs alone."""

import hashlib
import json
import time
from pathlib import Path

import pytest
import yaml

from data_contracts.errors import OperationError
from data_contracts.provenance import LatestPointer
from data_contracts.release import ModelVersion
from infra import signing
from infra.catalog import Catalog
from infra.stage import StageContext
from infra.store import scan
from infra.workdir import Workdir
from tasks.release.stage import run_release
from tasks.vision.video import read_video


def release(inputs, config, root, workdir):
    output = root / "release"
    output.mkdir(parents=True)
    return run_release(StageContext("release", inputs, {"release": output}, config, workdir=workdir)), output


def digests(directory):
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.filterwarnings("ignore:::mlflow")
def test_a_release_is_served_signed_and_registered(inputs, config, tmp_path):
    workdir = tmp_path / "workdir"
    summary, output = release(inputs, config, tmp_path / "first", workdir)
    frames = read_video(output / "smoke.mp4").frames
    assert frames.shape == (33, 64, 96, 3)
    assert frames.std() > 1
    gates = json.loads((output / "gates.json").read_text())
    assert all(gate["passed"] for gate in gates)
    assert {gate["gate"].split("/")[0] for gate in gates} >= {"licences", "objective_fell", "weights_finite", "videos"}
    version = ModelVersion.model_validate_json((output / "model_version.json").read_text())
    assert len(version.clip_ids) == 4
    manifest = yaml.safe_load((output / "inference_service.yaml").read_text())
    assert manifest["metadata"]["annotations"]["sana-wm/bundle"] == version.bundle
    check_signature(output, workdir)
    check_registry(version, summary, workdir, scan(output).id)
    again, second = release(inputs, config, tmp_path / "second", workdir)
    assert digests(second) == digests(output)
    assert again.metrics["registry_version"] == summary.metrics["registry_version"]
    check_serving_refuses_a_flipped_byte(output, workdir)


def check_signature(output, workdir):
    files = signing.in_workdir(workdir, "release", scan(output).id)
    signing.verify_directory(output, signing.trusted_key(workdir / "keys"), files)
    assert (workdir / "keys" / signing.PRIVATE_NAME).stat().st_mode & 0o777 == 0o600
    assert not list(output.rglob("*.key"))


def check_registry(version, summary, workdir, artifact_id):
    from mlflow import MlflowClient, pyfunc

    client = MlflowClient(f"sqlite:///{workdir}/mlflow.db")
    found = client.get_model_version(version.name, str(int(summary.metrics["registry_version"])))
    assert found.tags["bundle"] == version.bundle
    assert found.tags["artifact.release"] == artifact_id
    source = client.get_model_version_download_uri(version.name, found.version)
    files = [path for path in Path(source.removeprefix("file://")).rglob("*") if path.is_file()]
    assert any(path.name == "model.safetensors" for path in files)
    assert not [path for path in files if path.suffix in (".pkl", ".pickle", ".pt", ".pth", ".bin")]
    model = pyfunc.load_model(source)
    video = model.predict([{"prompt": "a wall", "action": "w-8", "seed": 1}])[0]
    assert video[4:8] == b"ftyp"


def check_serving_refuses_a_flipped_byte(output, workdir):
    from serving.readiness import verified_bundle

    home = Workdir(workdir)
    artifact_id = scan(output).id
    home.artifacts.mkdir(exist_ok=True)
    output.rename(home.artifact("release"))
    Catalog(home.catalog).move_latest(LatestPointer(artifact="release", id=artifact_id, stage="release", key="k"))
    assert (verified_bundle(home, None).directory / "model.json").exists()
    weights = home.artifact("release") / "bundle" / "model.safetensors"
    payload = bytearray(weights.read_bytes())
    payload[-1] ^= 1
    weights.write_bytes(payload)
    with pytest.raises(Exception, match=r"bundle/model\.safetensors"):
        verified_bundle(home, None)


def test_a_server_that_cannot_start_fails_the_release_in_time(inputs, config, tmp_path):
    (inputs["latents"] / "codec.json").write_text("{}")
    began = time.monotonic()
    with pytest.raises(OperationError, match="smoke test"):
        release(inputs, config, tmp_path / "first", tmp_path / "workdir")
    assert time.monotonic() - began < 60
    assert not (tmp_path / "workdir" / "signatures").exists()
