"""Finding the sources of a corpus directory, and the reader of each format."""

import json
from pathlib import Path

from pydantic import ValidationError

from data_contracts.errors import ErrorCode, InputError
from data_contracts.source import PLAIN_FOLDER, SourceDescriptor, SourceFormat
from tasks.ingest.item import SourceFolder, SourceItem
from tasks.ingest.readers.dl3dv_gs import Dl3dvReader
from tasks.ingest.readers.miradata import MiraDataReader
from tasks.ingest.readers.omniworld import OmniWorldReader
from tasks.ingest.readers.plain import PlainReader
from tasks.ingest.readers.protocol import SourceReader
from tasks.ingest.readers.sekai_game import SekaiGameReader

DESCRIPTOR = "source.json"


def reader_of(source_format: SourceFormat) -> SourceReader:
    """The reader of a format."""
    readers: dict[SourceFormat, SourceReader] = {
        SourceFormat.PLAIN: PlainReader(),
        SourceFormat.MIRADATA: MiraDataReader(),
        SourceFormat.OMNIWORLD: OmniWorldReader(),
        SourceFormat.SEKAI_GAME: SekaiGameReader(),
        SourceFormat.DL3DV_GS: Dl3dvReader(),
    }
    return readers[source_format]


def find_sources(corpus: Path) -> list[SourceFolder]:
    """The sources of a corpus, by name: its folders with a descriptor, else the corpus itself.

    Raises:
        InputError: the corpus is not a directory, or a descriptor is not valid.
    """
    if not corpus.is_dir():
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE, f"corpus {corpus.name!r} is not a directory", "give a folder of videos"
        )
    if (corpus / DESCRIPTOR).is_file():
        return [SourceFolder(corpus, "", _descriptor(corpus))]
    folders = [path for path in sorted(corpus.iterdir()) if (path / DESCRIPTOR).is_file()]
    if not folders:
        return [SourceFolder(corpus, "", PLAIN_FOLDER)]
    return [SourceFolder(folder, folder.name, _descriptor(folder)) for folder in folders]


def list_corpus(corpus: Path) -> list[tuple[SourceFolder, SourceItem]]:
    """Every input of every source, sorted by path.

    Raises:
        InputError: there is none, or a descriptor is not valid.
    """
    pairs = [(folder, item) for folder in find_sources(corpus) for item in _items(folder)]
    if not pairs:
        raise InputError(
            ErrorCode.CORPUS_EMPTY,
            f"{corpus.name!r} holds no media",
            "give a folder with mp4, mov, mkv or webm files, or sources as docs/sources.md describes",
        )
    return sorted(pairs, key=lambda pair: pair[1].path)


def _items(folder: SourceFolder) -> list[SourceItem]:
    return reader_of(folder.descriptor.format).list_items(folder)


def _descriptor(folder: Path) -> SourceDescriptor:
    try:
        return SourceDescriptor.model_validate(json.loads((folder / DESCRIPTOR).read_text("utf-8")))
    except (ValueError, ValidationError) as error:
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE,
            f"{folder.name}/{DESCRIPTOR}: {_first_line(error)}",
            "write it as docs/sources.md describes",
        ) from error


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"field {'.'.join(map(str, first['loc']))} is {first['input']!r}: {first['msg']}"
    return str(error)
