"""``wm run --profile cluster --dry-run OUT``: everything a cluster would be sent, as files."""

import subprocess
import sys
import tarfile
from pathlib import Path

from data_contracts.errors import ErrorCode, InputError, OperationError
from infra.files import write_atomic
from infra.session import ROOT
from infra.settings import OrchestratorKind, Settings, environment_with_profile
from infra.workdir import Workdir
from workflows.declaration import declare
from workflows.graph import GRAPH
from workflows.local_run import RunHooks, RunOptions
from workflows.pipeline import Pipeline
from workflows.planning import plan_run

PACKAGE = "flyte-package.tgz"
BEFORE_RELEASE = "not-released"
"""The version in a manifest that is rendered before its release exists; ``release`` writes the real one."""


def render_cluster(pipeline: Pipeline, settings: Settings, options: RunOptions, destination: Path) -> list[str]:
    """Write protobufs, InferenceService, settings and plan.

    Args:
        pipeline: graph and recipes.
        settings: a profile whose orchestrator is Flyte.
        options: the run that would be submitted.
        destination: directory to fill; made if need be.

    Returns:
        Paths written, relative to ``destination``, sorted.

    Raises:
        InputError: the profile runs in this process, so there is nothing to submit.
        OperationError: Flyte's serializer failed.
    """
    if settings.orchestrator.kind is not OrchestratorKind.FLYTE:
        raise InputError(
            ErrorCode.UNKNOWN_PROFILE,
            f"profile {settings.profile} runs in this process: it submits nothing that could be rendered",
            "pass --profile cluster",
        )
    destination.mkdir(parents=True, exist_ok=True)
    write_atomic(destination / "settings.json", settings.model_dump_json(indent=1))
    write_atomic(destination / "plan.json", plan_run(pipeline, options, RunHooks()).model_dump_json(indent=1))
    write_atomic(destination / "inference_service.yaml", _inference_service(pipeline, settings, options))
    _package(settings, destination)
    return sorted(path.relative_to(destination).as_posix() for path in destination.rglob("*") if path.is_file())


def _inference_service(pipeline: Pipeline, settings: Settings, options: RunOptions) -> str:
    from data_contracts.release import ModelVersion
    from tasks.release.config import ReleaseConfig
    from tasks.release.inference_service import inference_service_yaml

    declared = declare(Workdir(options.workdir.resolve()), options.use, settings)
    config = ReleaseConfig.model_validate(pipeline.config(GRAPH.find("release"), settings, declared))
    path = options.workdir / "artifacts" / "release" / "model_version.json"
    if path.exists():
        return inference_service_yaml(ModelVersion.model_validate_json(path.read_bytes()), config.service)
    coming = ModelVersion(
        name=config.name,
        version=BEFORE_RELEASE,
        bundle="",
        weights="",
        use=options.use,
        numerics="",
        clip_ids=[],
        licences=[],
        metrics={},
    )
    return inference_service_yaml(coming, config.service)


def _package(settings: Settings, destination: Path) -> None:
    """Serialize with ``pyflyte package`` in a process of the profile's own: tasks read it when they are imported."""
    archive = destination / PACKAGE
    command = [sys.executable, "-m", "flytekit.clis.sdk_in_container.pyflyte", "--pkgs", "workflows.registry"]
    command += ["package", "--force", "--image", settings.orchestrator.image, "--output", str(archive.resolve())]
    done = subprocess.run(
        [*command, "--source", str(ROOT)],
        cwd=ROOT,
        env=environment_with_profile(settings.profile),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 or not archive.exists():
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise OperationError(
            ErrorCode.INTERNAL,
            f"pyflyte package ended with {done.returncode}: {lines[-1] if lines else 'no message'}",
            "run `SANA_WM_PROFILE=cluster pyflyte --pkgs workflows.registry package` to see why",
        )
    with tarfile.open(archive) as package:
        package.extractall(destination / "flyte", filter="data")
