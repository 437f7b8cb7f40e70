"""Workflows as a deployment registers them: the graph's spans under the profile that is in force at import."""

from collections.abc import Sequence

from flytekit import Workflow

from infra.keys import CodeIndex
from infra.session import PACKAGES, ROOT
from infra.settings import Settings, load_settings
from infra.stage import digest_json
from infra.stage_spec import StageSpec
from workflows.declaration import Declaration, configured_benchmark
from workflows.flyte_graph import CachePolicy, build_workflow
from workflows.pipeline import PRODUCT

USE = "research"
"""Registered workflows are for research; ``wm run --use commercial`` registers its own."""


def registered(name: str, first: str, last: str, settings: Settings | None = None) -> Workflow:
    """The workflow ``sana_wm.NAME`` over the stages from ``first`` to ``last``."""
    chosen = settings or load_settings()
    stages = PRODUCT.graph.span(first, last)
    calls = PRODUCT.calls(stages, chosen, Declaration(USE, benchmark=configured_benchmark(chosen)))
    return build_workflow(f"sana_wm.{name}", stages, calls, cache_policy(stages, chosen))


def cache_policy(stages: Sequence[StageSpec], settings: Settings) -> CachePolicy | None:
    """Flyte's cache under our keys: what Flyte does not see of a key (code and data files) is the version."""
    if not settings.orchestrator.cache:
        return None
    code = CodeIndex(ROOT, PACKAGES)
    return CachePolicy({spec.name: _version(code, spec) for spec in stages})


def _version(code: CodeIndex, spec: StageSpec) -> str:
    return digest_json({"code": code.code(spec.module).digest, "resources": code.resources(spec.resources)})
