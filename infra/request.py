"""What a Flyte task is told about the run it belongs to: plain values that survive any process boundary."""

from dataclasses import dataclass, field

Ids = dict[str, str]
"""Artifact name -> content id: all that passes between Flyte tasks. The bytes are in the store."""


@dataclass(frozen=True)
class RunRequest:
    """One run.

    Attributes:
        profile: name of the settings.
        workdir: directory that all stages share.
        corpus: directory of raw videos; empty when no stage of the span reads it.
        name: name of the run, for people.
        use: declared use of what is made, ``research`` or ``commercial``.
        force: stages to execute although their key is known.
    """

    profile: str
    workdir: str
    corpus: str = ""
    name: str = ""
    use: str = "research"
    force: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StageCall:
    """One stage of a run: its spec and configuration as canonical JSON.

    ``shards`` is the number of parts of its per-clip work that a cluster maps over.
    """

    spec: str
    config: str
    shards: int = 1
