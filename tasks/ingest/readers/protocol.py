"""What a reader of a source format does."""

from typing import Protocol

import numpy as np
from jaxtyping import Float32

from tasks.ingest.item import NativeCameras, SourceFolder, SourceItem


class SourceReader(Protocol):
    """Knows one directory format. Listing opens no media; annotations are read where the clip is made."""

    def list_items(self, folder: SourceFolder) -> list[SourceItem]:
        """Every input of the folder, damaged ones too.

        Raises:
            InputError: the folder's own index cannot be read.
        """
        ...

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:
        """The cameras the source ships, in pixels of native media of this (height, width)."""
        ...

    def depth(self, item: SourceItem, native_index: int) -> Float32[np.ndarray, "height width"] | None:
        """The source's dense depth of one native frame in its own units, 0 = none; None where it ships no depth."""
        ...
