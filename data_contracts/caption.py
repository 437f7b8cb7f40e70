"""Captions: what a clip shows, and never how its camera moves."""

from data_contracts.base import Record


class CaptionRow(Record):
    """One row of ``captions.parquet``, sorted by ``clip_id``.

    ``leak`` holds the camera-motion words found in ``caption``, joined by a comma: always empty in an artifact, because
    a caption that leaks is rewritten before it is stored. ``captioner`` names the engine that wrote the stored text.
    """

    clip_id: str
    caption: str
    captioner: str
    captioner_version: int
    leak: str = ""
