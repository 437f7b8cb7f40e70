"""What a captioner is to the ``caption`` stage."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class CaptionItem:
    """A stored clip to describe, and the text its source ships with it (often empty)."""

    media: Path
    source_caption: str


class Captioner(Protocol):
    """Describes what a clip shows; the stage checks the text for words of camera motion before it is stored.

    Attributes:
        name: engine, as ``captions.parquet`` shows it.
        version: raised whenever the same clip would get another text.
    """

    name: str
    version: int

    def caption(self, item: CaptionItem) -> str:
        """A scene-static caption, or the empty text when this captioner has nothing to say of the clip."""
        ...
