"""Reads the recipe of a stage: one YAML file per stage and recipe set."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from data_contracts.errors import ErrorCode, InputError


def load_recipe(directory: Path, stage: str, declared: Mapping[str, object]) -> dict[str, object]:
    """The configuration of a stage, from a directory of recipes.

    A key of the recipe that the run declares itself (``use``, ``benchmark``, ``waived``, ``taken_down``) takes the
    run's value.

    Raises:
        InputError: the file is missing or is not a YAML mapping.
    """
    path = directory / f"{stage}.yaml"
    try:
        recipe = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise _invalid(path, str(error).splitlines()[0]) from error
    if not isinstance(recipe, dict):
        raise _invalid(path, "it is not a mapping of keys to values")
    return {**recipe, **{key: declared[key] for key in recipe if key in declared}}


def _invalid(path: Path, reason: str) -> InputError:
    name = f"{path.parent.name}/{path.name}"
    return InputError(ErrorCode.CONFIG_INVALID, f"recipe {name} cannot be read: {reason}", "restore or correct it")
