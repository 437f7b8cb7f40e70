"""Typed deployment settings: one YAML per profile, one environment variable that picks it.

Only settings differ between a laptop and a cluster. This module is the one place that reads the environment.
"""

import os
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from data_contracts.base import Record
from data_contracts.errors import ErrorCode, InputError

PROFILES = Path(__file__).parent / "profiles"
PROFILE_VARIABLE = "SANA_WM_PROFILE"
DEFAULT_PROFILE = "local"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "DVC_NO_ANALYTICS": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""No library of ours reports its use over the network, and none draws its own bars over our progress."""


class OrchestratorKind(StrEnum):
    """Where a workflow runs: Flyte's local execution in this process, or a Flyte deployment."""

    IN_PROCESS = "in_process"
    FLYTE = "flyte"


class OrchestratorSettings(Record):
    """How Flyte is reached and what it is told."""

    kind: OrchestratorKind
    project: str
    domain: str
    endpoint: str
    image: str
    cache: bool
    corpus_shards: int = Field(ge=1)
    queue: str


class Compute(Record):
    """What one pod of a stage asks for; ``gpus`` and ``cpu`` are per node."""

    cpu: int = Field(ge=1)
    memory_gib: int = Field(ge=1)
    gpus: int = Field(ge=0)
    nodes: int = Field(ge=1)


class ComputeClass(StrEnum):
    """The sizes of pods a stage may ask for."""

    CORPUS = "corpus"
    TRAINING = "training"
    TRAINING_64 = "training_64"
    EVALUATION = "evaluation"


class ServingSettings(Record):
    """Where a release is served."""

    namespace: str
    gpus: int = Field(ge=0)
    memory_gib: int = Field(ge=1)
    storage_uri: str


class Prices(Record):
    """For the estimates of ``wm plan``."""

    currency: str
    gpu_hour: float = Field(ge=0)
    stored_gib_month: float = Field(ge=0)


class Settings(Record):
    """One deployment profile."""

    profile: str
    recipes: str
    workdir: str
    workers: int = Field(ge=1)
    embedded_clips: int = Field(ge=24)
    benchmark: str
    remote: str
    tracking_uri: str
    tracking_experiment: str
    orchestrator: OrchestratorSettings
    compute: dict[ComputeClass, Compute]
    serving: ServingSettings
    prices: Prices


def profile_names() -> list[str]:
    """The profiles that ship with the product."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def load_settings(profile: str | None = None) -> Settings:
    """Settings of a profile; without a name, of the one the environment picks, else ``local``.

    Raises:
        InputError: no such profile, or its file does not fit the schema.
    """
    name = profile or os.environ.get(PROFILE_VARIABLE) or DEFAULT_PROFILE  # noqa: TID251 - the one place
    if name not in profile_names():
        raise InputError(
            ErrorCode.UNKNOWN_PROFILE,
            f"profile is {name!r}; known profiles are {', '.join(profile_names())}",
            f"pass --profile with one of them, or set {PROFILE_VARIABLE}",
        )
    path = PROFILES / f"{name}.yaml"
    try:
        return Settings.model_validate(yaml.safe_load(path.read_text()))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(
            ErrorCode.CONFIG_INVALID, f"{path.name}: {field}: {first['msg']}", f"correct {field} in {path.name}"
        ) from error


def prepare_environment() -> None:
    """Tell the libraries, and the processes started from here, to keep their usage and their bars to themselves."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)  # noqa: TID251 - the one place


def distributed_rank() -> int:
    """The global rank torchrun gave this process; 0 outside torchrun."""
    return int(os.environ.get("RANK", "0"))  # noqa: TID251 - the one place


def choose_profile(profile: str) -> None:
    """Make a profile that of this process and of those it starts: Flyte's task modules read it at import."""
    os.environ[PROFILE_VARIABLE] = profile  # noqa: TID251 - the one place


def environment_with_profile(profile: str) -> dict[str, str]:
    """This process's environment for a child that must run under another profile."""
    return {**os.environ, PROFILE_VARIABLE: profile}  # noqa: TID251 - the one place
