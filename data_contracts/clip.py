"""A clip: one frame range of one media file, cut to ``8k+1`` frames at the corpus frame rate.

Tables of these records are Parquet files with exactly the fields below as columns (``columns`` gives the polars
schema). Several rows may share a ``clip_id`` only when their media bytes are equal (exact duplicates).
"""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record


class ClipStatus(StrEnum):
    """What became of a listed input. Nothing listed is ever missing from the table."""

    READY = "ready"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"
    ACCEPTED = "accepted"


class PoseMode(StrEnum):
    """How metric poses are obtained (App. B.1 of the paper)."""

    DEFAULT = "default"
    GT_DEPTH = "gt_depth"
    GT_POSE = "gt_pose"


class ItemKind(StrEnum):
    """A video clip, or a Gaussian scene from which clips will be rendered."""

    VIDEO = "video"
    SPLAT_SCENE = "splat_scene"


class ClipRow(Record):
    """One row of ``clips.parquet`` (artifacts ``ingest`` and ``splat``).

    ``path`` is the source file relative to the corpus, in POSIX form (for rendered clips: the scene's path with
    ``#`` and the trajectory's name). ``clip_id`` is empty only when the media could not be read at all.
    ``height`` and ``width`` are pixels of the stored clip; its frame rate is ``fps``.
    """

    path: str
    source: str
    kind: ItemKind = ItemKind.VIDEO
    clip_id: str = ""
    media_digest: str = ""
    annotation_digest: str = ""
    start_frame: int = Field(default=0, ge=0)
    raw_frames: int = Field(default=0, ge=0)
    fps: float = Field(default=0.0, ge=0)
    height: int = Field(default=0, ge=0)
    width: int = Field(default=0, ge=0)
    source_video_id: str = ""
    scene_id: str = ""
    split: str = "train"
    licence: str = ""
    pose_mode: PoseMode = PoseMode.DEFAULT
    source_caption: str = ""
    typical_speed: float = Field(default=0.0, ge=0, description="metres per second the source declares; 0 = none")
    status: ClipStatus = ClipStatus.READY
    reasons: list[str] = Field(default_factory=list)
    detail: str = Field(
        default="", description="what was seen: why it is quarantined, or what its poses will be rejected for"
    )


class AcceptedRow(Record):
    """One row of ``accepted.parquet``: a clip whose parts are all verified, with the digest of each part.

    ``origin`` names the artifact that holds its media (``ingest`` or ``splat``); its poses lie in ``pose`` or
    ``splat``. Downstream stage keys see the corpus only through these rows.
    """

    clip_id: str
    origin: str
    source: str
    scene_id: str
    source_video_id: str
    split: str
    licence: str
    raw_frames: int
    fps: float
    height: int
    width: int
    media_digest: str
    pose_digest: str
    source_caption: str
