"""What ``wm lineage`` answers."""

from enum import StrEnum

from data_contracts.base import Record


class ReferenceKind(StrEnum):
    """What a reference turned out to be."""

    ARTIFACT = "artifact"
    CLIP = "clip"
    TRACKING_RUN = "tracking_run"
    MODEL_VERSION = "model_version"


class LineageNode(Record):
    """One version of an artifact in the chain, with its direct parents (artifact name -> id)."""

    artifact: str
    id: str
    stage: str
    key: str
    mlflow_run: str
    git_commit: str
    code_digest: str
    config_digest: str
    started_at: str
    inputs: dict[str, str]
    reads: dict[str, str]


class LineageClip(Record):
    """A source clip at the far end of a chain."""

    clip_id: str
    path: str
    source: str
    licence: str


class LineageReport(Record):
    """Both directions from a reference. ``problems`` is empty when nothing was found wrong, or nothing was verified."""

    reference: str
    kind: ReferenceKind
    subjects: list[LineageNode]
    upstream: list[LineageNode]
    downstream: list[LineageNode]
    clips: list[LineageClip]
    verified: bool
    problems: list[str]
