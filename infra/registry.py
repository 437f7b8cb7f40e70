"""MLflow's model registry: versions made from code and safetensors, never from pickles.

A registered version points at the training run behind it and is found again by the digest in its tags.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.tracking import TrackingTarget

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

DIGEST_TAG = "bundle"
REQUIREMENTS = ["sana-wm"]


@dataclass(frozen=True)
class RegistryEntry:
    """What is to be registered.

    Attributes:
        name: registered model.
        digest: of the bundle; a version with this digest is not made twice.
        bundle: its directory.
        code: a Python file that calls ``mlflow.models.set_model`` (models from code).
        run_id: training run the version points at; empty = a run of its own.
        tags: ids of artifacts and other facts.
    """

    name: str
    digest: str
    bundle: Path
    code: Path
    run_id: str
    tags: Mapping[str, str]


def register(target: TrackingTarget, entry: RegistryEntry) -> str:
    """Register a bundle unless its digest is there already; gives MLflow's version number."""
    client = _client(target)
    known = find_version(client, entry.name, entry.digest)
    if known is not None:
        for key, value in entry.tags.items():
            client.set_model_version_tag(entry.name, known.version, key, value)
        return str(known.version)
    run_id = entry.run_id or _own_run(client, target, entry.name)
    folder = f"model-{entry.digest[:12]}"
    _log_model(client, run_id, folder, entry)
    if not client.search_registered_models(f"name = '{entry.name}'"):
        client.create_registered_model(entry.name)
    source = f"{client.get_run(run_id).info.artifact_uri}/{folder}"
    tags = {DIGEST_TAG: entry.digest, **entry.tags}
    return str(client.create_model_version(entry.name, source, run_id, tags=tags).version)


def find_version(client: "MlflowClient", name: str, digest: str) -> "ModelVersion | None":
    """The version of a bundle, if it was registered."""
    found = client.search_model_versions(f"name = '{name}'")
    return next((version for version in found if version.tags.get(DIGEST_TAG) == digest), None)


def _client(target: TrackingTarget) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(target.uri)


def _own_run(client: "MlflowClient", target: TrackingTarget, name: str) -> str:
    """A run that holds nothing but the model, for a release without a recorded training run."""
    found = client.get_experiment_by_name(target.experiment)
    location = str(target.artifacts) if target.artifacts else None
    experiment = found.experiment_id if found else client.create_experiment(target.experiment, location)
    run = client.create_run(experiment, tags={"mlflow.runName": f"{name} release"})
    client.set_terminated(run.info.run_id)
    return run.info.run_id


def _log_model(client: "MlflowClient", run_id: str, folder: str, entry: RegistryEntry) -> None:
    """Save the model from code beside a copy of the bundle and log it under the run."""
    from mlflow import pyfunc

    scratch = Path(tempfile.mkdtemp(prefix="registry-"))
    try:
        saved = scratch / folder
        pyfunc.save_model(
            saved,
            python_model=str(entry.code),
            artifacts={"bundle": str(entry.bundle)},
            pip_requirements=REQUIREMENTS,
        )
        client.log_artifacts(run_id, str(saved), folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
