"""What a source says of itself: the ``source.json`` of a source folder (``docs/sources.md``)."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from data_contracts.base import Record
from data_contracts.clip import PoseMode

UNDECLARED_LICENCE = "LicenseRef-undeclared"


class SourceFormat(StrEnum):
    """The directory formats that ``ingest`` reads, one reader each."""

    PLAIN = "plain"
    MIRADATA = "miradata"
    OMNIWORLD = "omniworld"
    SEKAI_GAME = "sekai_game"
    DL3DV_GS = "dl3dv_gs"


class SourceDescriptor(Record):
    """The content of ``source.json``.

    Attributes:
        version: version of this format.
        name: the source's name in every table; contracts bind by it.
        format: which reader understands the folder.
        licence: SPDX id or ``LicenseRef-...``, for every clip that does not declare its own.
        pose_mode: how metric poses are obtained (App. B.1).
        typical_speed: metres per second along the path, the scale prior where no sensor depth exists; 0 = unknown.
            Above 50 it was written in another unit.
        description: for people.
    """

    version: Literal[1] = 1
    name: str = Field(min_length=1, pattern=r"^[a-z0-9_]+$")
    format: SourceFormat
    licence: str = Field(min_length=1)
    pose_mode: PoseMode = PoseMode.DEFAULT
    typical_speed: float = Field(default=0.0, ge=0, le=50)
    description: str = ""


PLAIN_FOLDER = SourceDescriptor(
    name="plain",
    format=SourceFormat.PLAIN,
    licence=UNDECLARED_LICENCE,
    description="a folder of videos without a descriptor",
)
"""What a folder of videos without any ``source.json`` is taken for."""
