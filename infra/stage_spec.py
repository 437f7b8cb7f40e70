"""One stage as data: its function, its artifacts in and out, and what else its key depends on."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, TypeAdapter

from data_contracts.errors import ErrorCode
from data_contracts.report import StageSummary
from infra.settings import ComputeClass

CORPUS = "corpus"
"""The one input that no stage makes: the directory of raw videos."""


class Preview(StrEnum):
    """When ``wm plan`` may work out a stage's outputs instead of calling them unknown."""

    NEVER = "never"
    RULES = "rules"  # when nothing but contracts and decisions changed: its per-clip scores are stored
    ALWAYS = "always"


@dataclass(frozen=True)
class Requirement:
    """What a finished stage's summary must show for the run to go on past it."""

    metric: str
    minimum: float
    code: ErrorCode
    message: str
    fix: str


@dataclass(frozen=True)
class StageSpec:
    """A node of the stage graph.

    Attributes:
        name: the stage's id, and that of its main artifact.
        function: ``module:name`` of the stage function.
        config: ``module:name`` of its pydantic configuration class.
        inputs: artifacts whose ids decide the key.
        reads: artifacts whose files are read without deciding the key: their digests stand in an input's bytes.
        outputs: artifacts it makes, the main one first.
        resources: first-party data files (globs from the repository root) its code reads.
        compute: what a pod for it asks for on a cluster.
        shardable: whether its per-clip work can be mapped over shards.
        preview: when ``wm plan`` may work out its outputs from what is stored, without writing.
        requirement: what its summary must show for the run to go on.
    """

    name: str
    function: str
    config: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    reads: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    compute: ComputeClass = ComputeClass.CORPUS
    shardable: bool = False
    preview: Preview = Preview.NEVER
    requirement: Requirement | None = None

    @property
    def module(self) -> str:
        """The module of the stage function: where the closure of its code starts."""
        return self.function.partition(":")[0]

    @property
    def tasks_module(self) -> str:
        """The module with the stage's Flyte task, which is called as the stage is."""
        return f"{self.module.rpartition('.')[0]}.flyte_tasks"

    def to_json(self) -> str:
        """The spec as one line of JSON, for a Flyte task."""
        return _ADAPTER.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "StageSpec":
        """The spec a task was given."""
        return _ADAPTER.validate_json(text)

    def load_function(self) -> Callable[..., StageSummary]:
        """Import the stage's code."""
        return _load(self.function)

    def load_config(self) -> type[BaseModel]:
        """Import the stage's configuration class (light: pydantic alone)."""
        return _load(self.config)


_ADAPTER = TypeAdapter(StageSpec)


def _load(path: str) -> Any:  # noqa: ANN401 - a function or a class, by the caller's field
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
