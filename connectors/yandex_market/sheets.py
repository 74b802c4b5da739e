"""Sheets of a report: an archive with a CSV file for each, read line by line and by the names of its columns.

Market says that columns may be added and sheets renamed without notice. So the sheet is found by its columns, and
a report in which no sheet has them is refused as a whole, with the names that it has.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import BytesIO, TextIOWrapper
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812 - it is an exception's class

from obmen.errors import IncompleteSource

LARGEST = 2 * 1024**3
"""Bytes of a sheet, unpacked, at most."""


def rows(archive: bytes, columns: Sequence[str], what: str) -> Iterator[dict[str, str]]:
    """Yield the lines of the sheet that has these columns, each as these columns' text without outer spaces.

    Raises IncompleteSource, beginning with ``what``, for what is no archive, has no such sheet or breaks off.
    """
    try:
        with ZipFile(BytesIO(archive)) as packed:
            sheet = _sheet(packed, columns, what)
            with packed.open(sheet) as file, TextIOWrapper(file, "utf-8-sig", newline="") as text:
                for row in csv.DictReader(text, strict=True):
                    yield {name: (row[name] or "").strip() for name in columns}
    except (BadZipFile, ZlibError, EOFError, UnicodeDecodeError, csv.Error, NotImplementedError) as error:
        raise IncompleteSource(f"{what} is not the archive of tables that was asked for ({error}).") from error


def _sheet(packed: ZipFile, columns: Sequence[str], what: str) -> ZipInfo:
    seen = []
    for member in packed.infolist():
        if not member.filename.lower().endswith(".csv"):
            continue
        with packed.open(member) as file, TextIOWrapper(file, "utf-8-sig", newline="") as text:
            header = next(csv.reader(text), [])
        if set(columns) <= set(header):
            if member.file_size > LARGEST:
                raise IncompleteSource(f"{what} is larger than {LARGEST // 1024**3} GB.")
            return member
        missing = ", ".join(name for name in columns if name not in header)
        seen.append(f"{member.filename} lacks {missing}, it has {', '.join(header)}")
    message = f"{what} has no table with the columns that Obmen knows: {'; '.join(seen) or 'no table at all'}."
    raise IncompleteSource(f"{message} Market may have changed it: update Obmen; nothing was taken, nothing is lost.")
