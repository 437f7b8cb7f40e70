"""The record of an export in the authors' training layout, and what a check of such archives finds."""

from typing import Literal

from pydantic import Field

from data_contracts.base import Record
from data_contracts.latents import CodecInfo


class TrainingExport(Record):
    """``export.json``, the last file of an export: what it was made from and every other file of it.

    Attributes:
        version: version of this record.
        codec: what made the latents; its statistics lie in ``codec/``.
        clips: clips in all archives.
        scores: kind of score -> clips that have one. A kind that no scorer measured is absent: the authors' loader
            rejects a clip without it where its range is set.
        files: POSIX path -> SHA-256 of its bytes, sorted by path.
    """

    version: Literal[1] = 1
    codec: CodecInfo
    clips: int = Field(ge=0)
    scores: dict[str, int]
    files: dict[str, str]


class LayoutCheck(Record):
    """``wm corpus check-layout --json``: what archives of the layout hold.

    Attributes:
        archives: raw zips read.
        clips: clips that are whole.
        scores: kind of score -> clips that have one.
        captions: clips with a caption.
        problems: one line each: file, key, what is wrong.
    """

    archives: int
    clips: int
    scores: dict[str, int]
    captions: int
    problems: list[str]
