"""Whether a media file ends before its container says it does. Knows boxes and elements, nothing of codecs."""

import os
from pathlib import Path
from typing import BinaryIO

EBML_MAGIC = b"\x1a\x45\xdf\xa3"
MATROSKA_SEGMENT = b"\x18\x53\x80\x67"
ISO_BOXES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"pnot", b"uuid", b"sidx", b"styp"}
)


def is_cut_off(path: Path) -> bool:
    """True when the outermost structure of an MP4, MOV, MKV or WebM file reaches past the end of the file.

    An MP4 whose media data is there while its index (``moov``) is not counts as cut off too: encoders write the index
    last. Files of other kinds are never reported.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(12)
        stream.seek(0)
        if head[4:8] in ISO_BOXES:
            return _iso_cut_off(stream, size)
        if head[:4] == EBML_MAGIC:
            return _matroska_cut_off(stream, size)
    return False


def _iso_cut_off(stream: BinaryIO, size: int) -> bool:
    """Walk the top-level boxes: 4 bytes of length, 4 of type; length 1 means 8 more bytes, length 0 the rest."""
    seen: set[bytes] = set()
    offset = 0
    while offset + 8 <= size:
        stream.seek(offset)
        header = stream.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if kind not in ISO_BOXES and not kind.isalnum():
            return False  # damaged rather than cut: the decoder will say so
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - offset
        if length < 8:
            return False
        seen.add(kind)
        offset += length
    return offset > size or (b"mdat" in seen and b"moov" not in seen)


def _matroska_cut_off(stream: BinaryIO, size: int) -> bool:
    """Read the EBML header and compare the segment's announced length with what is there."""
    stream.seek(4)
    header = _read_length(stream)
    if header is None:
        return False
    stream.seek(header, os.SEEK_CUR)
    if stream.read(4) != MATROSKA_SEGMENT:
        return False
    length = _read_length(stream)
    return length is not None and stream.tell() + length > size


def _read_length(stream: BinaryIO) -> int | None:
    """An EBML variable-length integer; None for "unknown" (all ones, as live streams write) or damage."""
    first = stream.read(1)
    if not first or first[0] == 0:
        return None
    width = 9 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0xFF >> width)]) + stream.read(width - 1), "big")
    return None if value == (1 << (7 * width)) - 1 else value
