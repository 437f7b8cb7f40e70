"""From the rows of an index to listed inputs: a wrong row is listed with its fault, never lost and never a stop."""

from collections.abc import Callable
from pathlib import PurePosixPath

from data_contracts.clip import ItemKind
from data_contracts.source import SourceFormat
from tasks.ingest.fault import SourceFault, SourceFaultError
from tasks.ingest.item import NoMedia, SourceFolder, SourceItem
from tasks.ingest.readers.index_file import Index, IndexRow
from tasks.ingest.readers.index_rows import read_rows

Make = Callable[[SourceFolder, IndexRow], list[SourceItem]]


def list_rows(folder: SourceFolder, index: Index, make: Make) -> list[SourceItem]:
    """Every input of an index, in its order.

    Args:
        folder: the source.
        index: its index.
        make: the inputs of one sound row; it may raise ``SourceFaultError``.
    """
    items: dict[str, SourceItem] = {}
    for row in read_rows(folder.root, index):
        try:
            made = _made(folder, row, make, items)
        except SourceFaultError as error:
            made = [_faulty(folder, row, error.fault, items)]
        items |= {item.path: item for item in made}
    return list(items.values())


def _made(folder: SourceFolder, row: IndexRow, make: Make, listed: dict[str, SourceItem]) -> list[SourceItem]:
    if row.fault is not None:
        raise SourceFaultError(row.fault)
    made = make(folder, row)
    for item in made:
        if item.path in listed:
            found, fix = f"{row.cells[row.index.key]!r} a second time", "remove one of the two rows"
            raise row.wrong(row.index.key, found, "each input once", fix)
    return made


def _faulty(folder: SourceFolder, row: IndexRow, fault: SourceFault, listed: dict[str, SourceItem]) -> SourceItem:
    """The row by its own name where it can be read and is free, else by the index and its line."""
    named = row.cells.get(row.index.key, "")
    path = folder.path_of(named)
    if not _is_name(named) or path in listed:
        path = folder.path_of(f"{row.index.name}#{row.line}" if row.line else row.index.name)
    scene = folder.descriptor.format is SourceFormat.DL3DV_GS
    return SourceItem(
        path=path,
        format=folder.descriptor.format,
        media=NoMedia(ItemKind.SPLAT_SCENE if scene else ItemKind.VIDEO),
        scene=path,
        source_video=path,
        root=folder.root,
        fault=fault,
    )


def _is_name(text: str) -> bool:
    path = PurePosixPath(text)
    return bool(text.strip()) and text.isprintable() and not path.is_absolute() and ".." not in path.parts
