"""A stage made ready: its configuration validated, its code read, its key worked out."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from data_contracts.errors import ErrorCode, InputError
from infra.keys import Code, StageKey
from infra.session import RunSession
from infra.stage import digest_json
from infra.stage_spec import StageSpec


@dataclass(frozen=True)
class StageJob:
    """A stage with everything its key needs, ready to be looked up or run."""

    spec: StageSpec
    config: BaseModel
    code: Code
    key: StageKey
    reads: Mapping[str, str]


@dataclass(frozen=True)
class StageIdentity:
    """What a stage is, before its inputs are known: part of its key, and what DVC is told of it."""

    config: BaseModel
    code: Code
    config_digest: str
    resources_digest: str

    @property
    def digests(self) -> dict[str, str]:
        """Name -> digest."""
        return {"code": self.code.digest, "config": self.config_digest, "resources": self.resources_digest}


def identify(session: RunSession, spec: StageSpec, config: Mapping[str, object]) -> StageIdentity:
    """Validate the configuration, read the code.

    Raises:
        InputError: the configuration does not fit the stage.
    """
    validated = validate_config(spec, config)
    return StageIdentity(
        config=validated,
        code=session.code.code(spec.module),
        config_digest=digest_json(validated.model_dump(mode="json")),
        resources_digest=session.code.resources(spec.resources),
    )


def prepare_job(session: RunSession, spec: StageSpec, config: Mapping[str, object], ids: Mapping[str, str]) -> StageJob:
    """Make the key of a stage on these inputs."""
    identity = identify(session, spec, config)
    inputs = {name: ids[name] for name in spec.inputs}
    key = StageKey(spec.name, identity.code.digest, identity.config_digest, identity.resources_digest, inputs)
    return StageJob(spec, identity.config, identity.code, key, {name: ids[name] for name in spec.reads})


def validate_config(spec: StageSpec, config: Mapping[str, object]) -> BaseModel:
    """The stage's configuration, typed; an unknown, missing or wrong key is named."""
    try:
        return spec.load_config().model_validate(config)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "(whole)"
        message = f"recipe of stage {spec.name}: {field} is {first.get('input')!r}: {first['msg']}"
        fix = f"correct {field} in workflows/recipes"
        raise InputError(ErrorCode.CONFIG_INVALID, message, fix) from error
