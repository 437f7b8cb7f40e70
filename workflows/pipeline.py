"""What is run: a stage graph and the recipes that configure it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.request import StageCall
from infra.settings import Settings
from infra.stage_spec import StageSpec
from workflows.declaration import Declaration
from workflows.graph import GRAPH, StageGraph
from workflows.recipe_files import load_recipe


@dataclass(frozen=True)
class Pipeline:
    """A graph, and a directory that holds one folder of recipes per profile kind."""

    graph: StageGraph
    recipes: Path

    def config(self, spec: StageSpec, settings: Settings, declared: Declaration) -> dict[str, object]:
        """The configuration of a stage under the profile's recipes and what the run declares."""
        return load_recipe(self.recipes / settings.recipes, spec.name, declared.values)

    def call(self, spec: StageSpec, settings: Settings, declared: Declaration) -> StageCall:
        """What the Flyte task of a stage is told."""
        config = json.dumps(self.config(spec, settings, declared), sort_keys=True)
        shards = settings.orchestrator.corpus_shards if spec.shardable else 1
        return StageCall(spec.to_json(), config, shards)

    def calls(self, stages: Iterable[StageSpec], settings: Settings, declared: Declaration) -> dict[str, StageCall]:
        """Stage -> call."""
        return {spec.name: self.call(spec, settings, declared) for spec in stages}


PRODUCT = Pipeline(GRAPH, Path(__file__).parent / "recipes")
"""The nineteen stages of the product."""
