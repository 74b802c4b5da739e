"""The archive in which a message travels: one zip with one data.xml, unpacked as a stream and within bounds.

A few kilobytes of zip can hold terabytes of zeros; so what comes out is counted against what went in.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from obmen.errors import IncompleteSource

NAME = "data.xml"
LARGEST_ARCHIVE = 4 << 30
LARGEST_MESSAGE = 32 << 30
_FREE = 64 << 20
_RATIO = 200
"""How often larger a message may be than its archive, beyond ``_FREE``; 1C's XML comes to some 20 or 40."""
_MOST_ENTRIES = 16


class _Bounded(io.RawIOBase):
    """A stream that ends in an error past ``most`` bytes, and turns damage into IncompleteSource."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        super().__init__()
        self._stream = stream
        self._most = most
        self._count = 0

    def read(self, size: int = -1) -> bytes:
        try:
            chunk = self._stream.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise IncompleteSource(f"The message's archive is damaged: {error}.") from error
        self._count += len(chunk)
        if self._count > self._most:
            raise IncompleteSource(
                f"The message unpacks to more than {self._most} bytes, which no base sends in so small an archive."
            )
        return chunk


@contextmanager
def unpacked(path: Path) -> Iterator[io.RawIOBase]:
    """Open the message in an archive as a stream. Raises IncompleteSource for what is no such archive."""
    size = path.stat().st_size
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise IncompleteSource(f"The parts of the message make no zip archive: {error}.") from error
    with archive:
        entry = _entry(archive)
        most = min(max(_FREE, _RATIO * size), LARGEST_MESSAGE)
        if entry.file_size > most:
            raise IncompleteSource(f"The message says that it unpacks from {size} to {entry.file_size} bytes.")
        try:
            stream = archive.open(entry)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise IncompleteSource(f"The message's archive cannot be unpacked: {error}.") from error
        with stream:
            yield _Bounded(stream, most)


def _entry(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    messages = [entry for entry in entries if entry.filename.lower().endswith(".xml")]
    if not 1 <= len(entries) <= _MOST_ENTRIES or len(messages) != 1:
        names = ", ".join(entry.filename for entry in entries[:_MOST_ENTRIES]) or "nothing"
        raise IncompleteSource(f"The message's archive holds {names}, and one {NAME} is expected.")
    return messages[0]


def parts(path: Path, size: int) -> Iterator[bytes]:
    """Yield a file in parts of so many bytes."""
    with path.open("rb") as file:
        while part := file.read(size):
            yield part


def first_bytes(part: bytes, most: int = 1 << 20) -> bytes:
    """Return what the first part of an archive alone tells of the message's beginning.

    The central directory stands at an archive's end, so the entry's own head is read instead. Raises
    IncompleteSource for what does not begin as an archive.
    """
    head = 30
    if part[:4] != b"PK\x03\x04" or len(part) < head:
        raise IncompleteSource("The message does not begin as a zip archive.")
    method = int.from_bytes(part[8:10], "little")
    start = head + int.from_bytes(part[26:28], "little") + int.from_bytes(part[28:30], "little")
    packed = part[start:]
    if method == zipfile.ZIP_STORED:
        size = int.from_bytes(part[18:22], "little")
        return packed[: min(size or most, most)]
    if method != zipfile.ZIP_DEFLATED:
        raise IncompleteSource(f"The message is packed by method {method}, which is not known here.")
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)
    except zlib.error as error:
        raise IncompleteSource(f"The message's archive is damaged: {error}.") from error
