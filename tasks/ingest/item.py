"""What a reader lists: one input of a source, where its media lie and what the source says of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from data_contracts.clip import ItemKind
from data_contracts.source import SourceDescriptor, SourceFormat
from tasks.ingest.fault import SourceFault


@dataclass(frozen=True)
class SourceFolder:
    """One source of a corpus: its directory, its corpus-relative name ("" = the corpus itself) and its descriptor."""

    root: Path
    prefix: str
    descriptor: SourceDescriptor

    def path_of(self, name: str) -> str:
        """The corpus-relative path of something in this source."""
        return f"{self.prefix}/{name}" if self.prefix else name


@dataclass(frozen=True)
class VideoFile:
    """Media in one file."""

    path: Path


@dataclass(frozen=True)
class ImageSequence:
    """Media as one image a frame, at a constant rate (frames per second); ``numbers`` are the source's frame ids."""

    images: tuple[Path, ...]
    numbers: tuple[int, ...]
    fps: float


@dataclass(frozen=True)
class GaussianScene:
    """A Gaussian scene: no frames, clips will be rendered from it."""

    ply: Path


@dataclass(frozen=True)
class NoMedia:
    """A row of an index that cannot be read: what it would have been, where the media lie is not known."""

    kind: ItemKind


Media = VideoFile | ImageSequence | GaussianScene | NoMedia


@dataclass(frozen=True)
class SourceItem:
    """One listed input.

    Attributes:
        path: corpus-relative POSIX path, the input's name in every table.
        format: which reader reads its annotations.
        media: where the pixels (or Gaussians) are.
        scene: the source's name of the scene; clips of one scene never fall on both sides of a split.
        source_video: the source's name of the video the clip was cut from.
        licence: the clip's own licence, "" = the source's.
        caption: the source's caption, "" = none.
        annotations: files the annotations are read from, in the reader's order.
        sensor_depth: file of sparse sensor depth, None = none.
        root: the source's folder, against which messages name files.
        fault: what is wrong with its row or its sidecar, None = nothing so far.
    """

    path: str
    format: SourceFormat
    media: Media
    scene: str
    source_video: str
    licence: str = ""
    caption: str = ""
    annotations: tuple[Path, ...] = ()
    sensor_depth: Path | None = None
    root: Path = Path()
    fault: SourceFault | None = None

    def name_of(self, path: Path) -> str:
        """A file of the source as messages name it."""
        return path.relative_to(self.root).as_posix()

    @property
    def kind(self) -> ItemKind:
        """A video clip or a Gaussian scene."""
        if isinstance(self.media, NoMedia):
            return self.media.kind
        return ItemKind.SPLAT_SCENE if isinstance(self.media, GaussianScene) else ItemKind.VIDEO

    @property
    def media_files(self) -> tuple[Path, ...]:
        """Every file whose bytes are the media."""
        match self.media:
            case VideoFile(path):
                return (path,)
            case ImageSequence(images):
                return images
            case GaussianScene(ply):
                return (ply,)
            case NoMedia():
                return ()


@dataclass(frozen=True)
class NativeCameras:
    """Cameras as the source ships them, one row a native frame.

    Attributes:
        camera_to_world: OpenCV, float64, units of the source; None = no poses.
        intrinsics: ``fx fy cx cy`` in native pixels, centres at integers; None = none.
    """

    camera_to_world: Float[np.ndarray, "rows 4 4"] | None = None
    intrinsics: Float[np.ndarray, "rows 4"] | None = None
