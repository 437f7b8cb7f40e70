"""What a release leaves outside its artifact: a signature under its id, and a version in the model registry."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_contracts.release import ModelVersion
from infra import signing
from infra.catalog import Catalog
from infra.registry import RegistryEntry, register
from infra.session import tracking_target
from infra.settings import load_settings
from infra.store import scan
from infra.workdir import Workdir

CODE = Path(__file__).with_name("registered_model.py")
TRAINED = "self_forcing"
RELEASE = "release"


@dataclass(frozen=True)
class Publication:
    """Where a release was made known."""

    artifact_id: str
    registry_version: str


def publish(workdir: Workdir, release: Path, version: ModelVersion, metrics: Mapping[str, float]) -> Publication:
    """Sign the finished release directory and register its bundle.

    The signature lies in the workdir under the artifact's id, so every version keeps its own. The registered version
    points at the training run of the student, and carries the ids of the artifacts behind it.

    Raises:
        OperationError: the signing key cannot be used.
        InputError: the signature does not verify after it was made (the disk lies).
    """
    artifact_id = scan(release).id
    key = signing.ensure_key(workdir.root / "keys")
    files = signing.in_workdir(workdir.root, RELEASE, artifact_id)
    signing.sign_directory(release, key, files)
    signing.verify_directory(release, key.public_key(), files)
    ids = {pointer.artifact: pointer.id for pointer in Catalog(workdir.catalog).all_latest()}
    tags = {
        **{f"artifact.{name}": identifier for name, identifier in ids.items() if name != RELEASE},
        f"artifact.{RELEASE}": artifact_id,
        "weights": version.weights,
        "use": version.use,
        **{f"metric.{name}": f"{value:.6g}" for name, value in sorted(metrics.items())},
    }
    entry = RegistryEntry(version.name, version.bundle, release / "bundle", CODE, _training_run(workdir, ids), tags)
    return Publication(artifact_id, register(tracking_target(load_settings(), workdir), entry))


def _training_run(workdir: Workdir, ids: Mapping[str, str]) -> str:
    """MLflow's id of the run that trained the student; empty where it was not tracked."""
    if TRAINED not in ids:
        return ""
    records = Catalog(workdir.catalog).provenance_of(TRAINED, ids[TRAINED])
    return records[-1].mlflow_run if records else ""
