"""What a scorer is: a name, a version, and measures of one stored clip."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True)
class StoredClip:
    """A clip as the artifact holds it: the file, its frames (RGB), their luma and their rate."""

    media: Path
    frames: UInt8[np.ndarray, "frames height width 3"]
    gray: UInt8[np.ndarray, "frames height width"]
    fps: float

    @property
    def resolution(self) -> str:
        """The measuring resolution, ``HxW@fps``."""
        _, height, width = self.gray.shape
        return f"{height}x{width}@{self.fps:g}"


@dataclass(frozen=True)
class Measure:
    """One metric of one clip. ``value`` is None where it cannot be measured; ``detail`` then says why."""

    metric: str
    value: float | None
    worst_frame: int = -1
    detail: str = ""


class Scorer(Protocol):
    """Measures clips. Two scorers of one metric (DIS and UniMatch flow) differ by name, and rules bind by it."""

    @property
    def name(self) -> str:
        """Name in every table and rule."""
        ...

    @property
    def version(self) -> str:
        """Grows with every change of meaning."""
        ...

    @property
    def weights(self) -> str:
        """SHA-256 of the weights, or ``served:<model>`` where an endpoint holds them; empty where there are none."""
        ...

    def measure(self, clip: StoredClip) -> list[Measure]:
        """Every metric this scorer has for the clip."""
        ...
