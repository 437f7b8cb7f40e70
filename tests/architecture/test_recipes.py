"""Both recipe sets describe the same stages with the same keys, and every recipe is valid as it stands."""

from importlib import import_module
from pathlib import Path

import pytest
import yaml

from workflows.graph import STAGES
from workflows.recipe_files import load_recipe

RECIPES = Path(__file__).parents[2] / "workflows" / "recipes"
NAMES = [spec.name for spec in STAGES]


def keys(value: object, prefix: str = "") -> set[str]:
    """Dotted names of all mapping keys; free-form mappings (data, not settings) count by their own name only."""
    if not isinstance(value, dict) or prefix.endswith("source_weights"):
        return {prefix}
    return {prefix} | {name for key, item in value.items() for name in keys(item, f"{prefix}.{key}")}


@pytest.mark.parametrize("name", NAMES)
def test_both_sets_have_the_same_keys(name: str) -> None:
    tiny, paper = (yaml.safe_load((RECIPES / kind / f"{name}.yaml").read_text()) for kind in ("tiny", "paper"))
    assert keys(tiny) == keys(paper)


@pytest.mark.parametrize("kind", ["tiny", "paper"])
@pytest.mark.parametrize("spec", STAGES, ids=NAMES)
def test_the_recipe_is_valid(kind: str, spec) -> None:
    module, _, name = spec.config.partition(":")
    getattr(import_module(module), name).model_validate(load_recipe(RECIPES / kind, spec.name, {"use": "research"}))


@pytest.mark.parametrize("kind", ["tiny", "paper"])
def test_no_recipe_is_without_a_stage(kind: str) -> None:
    assert sorted(path.stem for path in (RECIPES / kind).glob("*.yaml")) == sorted(NAMES)
