"""Opens the archive in which 1C packs an exchange, as a stranger's: bounded before and while it is read.

Entries are written into numbered files, so their names lead nowhere; their number, their sizes and how far
they may swell are looked at in the archive's directory before the first byte is unpacked, and unpacking never
goes beyond what that directory says.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from connectors.onec.site.answers import Failure
from connectors.onec.site.names import safe_name
from connectors.onec.site.uploads import Upload, Uploads

RATIO = 200
_SMALL = 10 << 20
"""An archive that swells to no more than this is harmless whatever its ratio."""
_LARGEST_DIRECTORY = 16 << 20
_END = b"PK\x05\x06"
_LARGE_END = b"PK\x06\x07"
_LARGE_END_SIZE = 20
_END_SIZE = 22
_LONGEST_COMMENT = 1 << 16
_PIECE = 1 << 18
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
_UTF8 = 0x800


def is_archive(path: Path) -> bool:
    """Whether a file begins as an archive does."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def unpack(name: str, archive: Path, into: Uploads) -> Iterator[tuple[str, Upload]]:
    """Yield the archive's files with their names. Raises Failure for what is broken or beyond bounds."""
    try:
        _look_at_directory(name, archive)
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            _look_at_entries(name, entries, archive.stat().st_size, into.limits.push - into.total)
            for entry in entries:
                upload = into.new()
                with opened.open(entry) as source, upload.path.open("wb") as target:
                    while piece := source.read(_PIECE):
                        upload.size += len(piece)
                        target.write(piece)
                into.total += upload.size
                yield safe_name(_decoded(entry)), upload
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError) as error:
        message = f"Архив {name} повреждён или передан не полностью ({error}). Повторите обмен."
        raise Failure(message) from error


def _look_at_directory(name: str, archive: Path) -> None:
    """Refuse a directory that would fill the memory by itself."""
    with archive.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        message = f"Архив {name} передан не полностью: у него нет конца. Повторите обмен."
        raise Failure(message)
    (length,) = struct.unpack_from("<I", tail, at + 12)
    if length > _LARGEST_DIRECTORY or tail.startswith(_LARGE_END, max(0, at - _LARGE_END_SIZE)):
        message = f"В архиве {name} слишком много файлов. Уменьшите выгрузку или отключите zip в проекте Obmen."
        raise Failure(message)


def _look_at_entries(name: str, entries: list[zipfile.ZipInfo], packed: int, room: int) -> None:
    swollen = sum(entry.file_size for entry in entries)
    if swollen > room:
        message = f"Архив {name} после распаковки больше, чем разрешает push_limit. Увеличьте его в проекте Obmen."
        raise Failure(message)
    if swollen > _SMALL and swollen > packed * RATIO:
        message = f"Архив {name} сжат подозрительно сильно (больше {RATIO} раз) и не принят."
        raise Failure(message)
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            message = f"Архив {name} зашифрован или сжат способом, которым 1С не пользуется."
            raise Failure(message)
        if stat.S_ISLNK(entry.external_attr >> 16):
            message = f"В архиве {name} есть ссылка вместо файла; архив не принят."
            raise Failure(message)
        safe_name(_decoded(entry))


def _decoded(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name; without the mark of UTF-8 it is in the encoding of Russian DOS."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    return entry.filename.encode("cp437", "replace").decode("cp866", "replace")
