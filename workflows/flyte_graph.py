"""Flyte workflows derived from the stage graph: a node per stage, an edge per artifact.

The same function makes the workflow of a span that ``wm run`` executes in this process and those that a cluster
registers; a profile with corpus shards maps a stage's per-clip work first, and its node then finds everything done.
"""

import functools
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flytekit import Cache, Workflow, map_task
from flytekit.core.base_task import PythonTask

from infra.request import RunRequest, StageCall
from infra.stage_spec import CORPUS, StageSpec
from workflows.graph import outside_artifacts

UNKEYED = ("run", "reads")
"""Task inputs that decide no key: what is left (spec, configuration, input ids) and the version are our stage key."""


@dataclass(frozen=True)
class CachePolicy:
    """Flyte's own cache: off on a laptop; on a cluster its version is the stage's code digest.

    ``versions`` maps stage -> version; a stage without one is not cached.
    """

    versions: Mapping[str, str]


def build_workflow(
    name: str, stages: Sequence[StageSpec], calls: Mapping[str, StageCall], cache: CachePolicy | None = None
) -> Workflow:
    """A workflow over these stages.

    Args:
        name: its Flyte name.
        stages: in order; an artifact that none of them makes becomes an input of the workflow.
        calls: stage -> what its task is told.
        cache: Flyte's cache; None switches it off.

    Returns:
        A workflow with inputs ``run`` and one per outside artifact (but the corpus, which its first node examines),
        and one output per artifact made.
    """
    workflow = Workflow(name=name)
    run = workflow.add_workflow_input("run", RunRequest)
    outside = outside_artifacts(stages)
    promises = {artifact: workflow.add_workflow_input(artifact, str) for artifact in outside if artifact != CORPUS}
    if CORPUS in outside:
        promises[CORPUS] = workflow.add_entity(_task(stages[0], "examine"), run=run).outputs["o0"]
    for spec in stages:
        node = _add_stage(workflow, spec, calls[spec.name], promises)
        if cache and spec.name in cache.versions:
            node.with_overrides(cache=Cache(version=cache.versions[spec.name], ignored_inputs=UNKEYED))
        promises |= _outputs(node, spec)
    for artifact in [output for spec in stages for output in spec.outputs]:
        workflow.add_workflow_output(artifact, promises[artifact])
    return workflow


def _task(spec: StageSpec, name: str) -> PythonTask[Any]:
    """A Flyte task of the stage's group."""
    return getattr(importlib.import_module(spec.tasks_module), name)


def _add_stage(workflow: Workflow, spec: StageSpec, call: StageCall, promises: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Add the stage's node (flytekit types it loosely), after the map over its shards where it has some."""
    artifacts = {artifact: promises[artifact] for artifact in spec.inputs}
    reads = {artifact: promises[artifact] for artifact in spec.reads}
    run = workflow.inputs["run"]
    mapped = None
    if spec.shardable and call.shards > 1:
        shard_task = functools.partial(
            _task(spec, f"{spec.name}_shard"), run=run, call=call, artifacts=artifacts, reads=reads
        )
        mapped = workflow.add_entity(map_task(shard_task), shard=list(range(call.shards)))
    node = workflow.add_entity(_task(spec, spec.name), run=run, call=call, artifacts=artifacts, reads=reads)
    if mapped is not None:
        mapped.runs_before(node)
    return node


def _outputs(node: Any, spec: StageSpec) -> dict[str, Any]:  # noqa: ANN401 - flytekit's node
    if len(spec.outputs) == 1:
        return {spec.outputs[0]: node.outputs["o0"]}
    return {output: node.outputs[output] for output in spec.outputs}
