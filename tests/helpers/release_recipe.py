"""The recipes of the release stage."""

from pathlib import Path

import yaml

RECIPES = Path(__file__).resolve().parents[2] / "workflows" / "recipes"


def recipe(name="tiny"):
    """The recipe as YAML holds it."""
    return yaml.safe_load((RECIPES / name / "release.yaml").read_text())
