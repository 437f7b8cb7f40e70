"""What each stage of a run is told: its spec and its configuration, as canonical JSON."""

import json
from collections.abc import Iterable

from infra.request import StageCall
from infra.settings import Settings
from infra.stage_spec import StageSpec
from workflows.recipe_files import load_recipe


def stage_calls(stages: Iterable[StageSpec], settings: Settings, use: str) -> dict[str, StageCall]:
    """Stage -> call, under the profile's recipes and the declared use."""
    return {spec.name: stage_call(spec, settings, use) for spec in stages}


def stage_call(spec: StageSpec, settings: Settings, use: str) -> StageCall:
    """The call of one stage."""
    config = json.dumps(load_recipe(settings.recipes, spec.name, use), sort_keys=True)
    shards = settings.orchestrator.corpus_shards if spec.shardable else 1
    return StageCall(spec.to_json(), config, shards)
