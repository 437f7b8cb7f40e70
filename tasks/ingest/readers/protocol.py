"""What a reader of a source format does."""

from typing import Protocol

import numpy as np
from jaxtyping import Float32, Int64

from tasks.ingest.item import NativeCameras, SourceFolder, SourceItem


class SourceReader(Protocol):
    """Knows one directory format. Listing opens no media; annotations are read where the clip is made."""

    def list_items(self, folder: SourceFolder) -> list[SourceItem]:
        """Every input of the folder, damaged ones too, each with the fault of its row or sidecar where there is one."""
        ...

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:
        """The cameras the source ships, in pixels of native media of this (height, width).

        Raises:
            SourceFaultError: they cannot be read, or are in another unit.
        """
        ...

    def depth(
        self, item: SourceItem, native: Int64[np.ndarray, " frames"]
    ) -> Float32[np.ndarray, "frames height width"] | None:
        """The source's dense depth of native frames in its own units, 0 = none; None where it ships no depth.

        Raises:
            SourceFaultError: it cannot be read, or is in another unit.
        """
        ...
