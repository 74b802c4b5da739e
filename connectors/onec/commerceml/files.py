"""Finds and opens the files of an export: which there are, in what order, whole or not, in which encoding.

Prevents that half a file is taken for all of it: 1C writes exports piece by piece, and a reader that starts
too early would see goods "vanish". So the end of every file is looked at before anything is taken from any.
A document type definition is refused here as well, so that no entity is ever expanded.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from connectors.onec.commerceml.live import Aspect, Index
from obmen.errors import ConfigurationError, IncompleteSource

ROOT = "КоммерческаяИнформация"
CHUNK = 1 << 17
_PEEK = 1 << 16
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "windows-1251": "cp1251",
    "cp1251": "cp1251",
    "koi8-r": "koi8-r",
    "ibm866": "cp866",
    "cp866": "cp866",
    "iso-8859-5": "iso8859-5",
}
_OTHER_EXCHANGES = ("orders", "documents", "contragents", "reports")
_EXPECTED = "a CommerceML file, or the folder into which 1C writes import*.xml and offers*.xml"
_DECLARED = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_BEFORE_ROOT = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ROOT_TAG = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)(?=[\s/>])([^>]*)")
_DATE = re.compile(r"""(?:^|\s)ДатаФормирования\s*=\s*["']([^"']*)""")
_CLOSES = re.compile(
    rf"</(?:[\w.-]+:)?{ROOT}\s*>(?:\s+|<!--.*?-->)*\Z|<(?:[\w.-]+:)?{ROOT}(?:\s[^<>]*)?/>\s*\Z", re.DOTALL
)
_CLOSED_LAST = re.compile(r"</([\w.-]+)\s*>\s*</([\w.-]+)\s*>\s*\Z")


@dataclass(frozen=True, slots=True)
class Source:
    """One file of an export, seen to be whole.

    ``name`` is for people and for sorting, relative to the folder that was asked for. ``made_at`` is the
    file's own ДатаФормирования as it stands there, empty if absent. ``closed_last`` names the two elements
    that end just before the root does, the inner one first. ``age`` grows with each push of an exchange;
    ``aspects``: of what a newer push has left it the word, None where nothing was ever taken from it.
    """

    path: Path
    name: str
    encoding: str
    bom: int
    made_at: str
    closed_last: tuple[str, str]
    size: int
    changed_ns: int
    age: int = 0
    aspects: frozenset[Aspect] | None = None

    @property
    def direct(self) -> bool:
        """Whether ``chunks`` are the file's own bytes, so that positions in them are the file's."""
        return self.encoding == "utf-8"

    @property
    def newness(self) -> tuple[int, str, list[str | int]]:
        """What orders files: the push that brought them, the date that 1C wrote into them, then their name."""
        return self.age, self.made_at, natural(self.name)

    def speaks_of(self, aspect: Aspect) -> bool:
        """Whether the file still counts for an aspect of its records."""
        return self.aspects is None or aspect in self.aspects

    def chunks(self, size: int = CHUNK) -> Iterator[bytes]:
        """Yield the document as UTF-8 without a byte order mark.

        A byte that its encoding does not know stays as it is, which is no UTF-8, so that the parser refuses
        the record in which it stands. Raises IncompleteSource if the file is changed meanwhile.
        """
        decoder = self._decoder()
        with self.opened() as file:
            file.seek(self.bom)
            while chunk := file.read(size):
                yield self._to_utf8(decoder, chunk)
            self.verify(file.fileno())

    def chunk(self, number: int) -> bytes:
        """Return the chunk of that number, from 0."""
        with self.opened() as file:
            file.seek(self.bom + number * CHUNK)
            return self._to_utf8(self._decoder(), file.read(CHUNK))

    def opened(self) -> BinaryIO:
        """Open the file. Raises IncompleteSource if it is not the one that was found whole."""
        try:
            file = self.path.open("rb", buffering=0)
        except FileNotFoundError as error:
            message = f"{self.name} was taken away while it was being read."
            raise IncompleteSource(f"{message} Read again; 1C has sent another.") from error
        try:
            self.verify(file.fileno())
        except IncompleteSource:
            file.close()
            raise
        return file

    def _decoder(self) -> codecs.IncrementalDecoder | None:
        return None if self.direct else codecs.getincrementaldecoder(self.encoding)("surrogateescape")

    def _to_utf8(self, decoder: codecs.IncrementalDecoder | None, chunk: bytes) -> bytes:
        if decoder is None:
            return chunk
        try:
            return decoder.decode(chunk).encode("utf-8", "surrogateescape")
        except UnicodeError as error:
            message = f"{self.name} is not in {self.encoding}, as it says it is: {error}."
            raise IncompleteSource(f"{message} Run the export again.") from error

    def verify(self, descriptor: int) -> None:
        """Raise IncompleteSource if the file is no longer the one that was found whole."""
        now = os.fstat(descriptor)
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed_ns):
            message = f"{self.name} was changed while it was being read."
            raise IncompleteSource(f"{message} Read again when 1C has finished writing.")


def newest(path: Path) -> float | None:
    """Return when the newest file of an export was written, in Unix seconds; None where there is none."""
    files = (one for one in ([path] if path.is_file() else path.rglob("*.xml")) if one.is_file())
    return max((one.stat().st_mtime for one in files), default=None)


def find_sources(path: Path) -> list[Source]:
    """Return the CommerceML files at ``path`` (a file, or a folder with its sub-folders), in natural order.

    Files of other exchanges (orders and the like) and of other formats are passed over. Raises
    ConfigurationError if there is nothing to read, IncompleteSource if a file is not whole.
    """
    try:
        if path.is_file():
            return [open_source(path, path.name)]
        if not path.is_dir():
            raise ConfigurationError(f"There is no {path}. Expected there: {_EXPECTED}. Mend the path.")
        found = (file for file in path.rglob("*") if _named_like_ours(file, path))
        files = sorted(found, key=lambda file: natural(str(file)))
        sources = [open_source(file, str(file.relative_to(path))) for file in files if not _foreign(file)]
    except OSError as error:
        message = f"{error.filename or path} cannot be read: {error.strerror}. Mend its rights."
        raise ConfigurationError(message) from error
    if not sources:
        message = f"{path} holds no CommerceML file. Expected there: {_EXPECTED}. Run the export in 1C."
        raise ConfigurationError(message)
    return sources


def natural(name: str) -> list[str | int]:
    """Return a sorting key in which import0_2.xml stands before import0_10.xml."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [int(part) if position % 2 else part for position, part in enumerate(parts)]


def _named_like_ours(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    name = file.name.casefold()
    return name.endswith(".xml") and not hidden and not name.startswith(_OTHER_EXCHANGES) and file.is_file()


def _foreign(file: Path) -> bool:
    with file.open("rb") as opened:
        root = _root(opened.read(_PEEK), str(file))
    return root is not None and root[0] != ROOT


def listed_sources(folder: Path, index: Index) -> list[Source]:
    """Return the files of a folder that an exchange fills, in natural order: what its list names, maybe nothing.

    Raises IncompleteSource if a file is not whole or is gone.
    """
    try:
        found = [
            replace(open_source(folder / file.name, file.name), age=file.age, aspects=file.aspects)
            for file in index.files
        ]
    except FileNotFoundError as error:
        message = f"{error.filename}, which 1C has sent, is not there any more."
        raise IncompleteSource(f"{message} Read again; if it stays so, run a full export in 1C.") from error
    return sorted(found, key=lambda source: natural(source.name))


def open_source(path: Path, name: str) -> Source:
    """Look at a file from outside. ``name`` is what people call it. Raises as ``find_sources`` does."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        head = file.read(_PEEK)
        file.seek(max(0, status.st_size - 4096))
        tail = file.read()
    encoding, bom = _encoding(head, name)
    root = _root(head, name)
    if root is not None and root[0] != ROOT:
        message = f"{path} is no CommerceML: its root is {root[0]}, not {ROOT}. Expected there: {_EXPECTED}."
        raise ConfigurationError(message)
    closing = tail[len(tail) % 2 if encoding.startswith("utf-16") else 0 :].decode(encoding, "replace")
    ending = _CLOSES.search(closing)
    if root is None or ending is None:
        message = f"{name} is not whole: it does not end with </{ROOT}>."
        raise IncompleteSource(f"{message} Nothing was taken; run the export again.")
    dated = _DATE.search(root[1])
    last = _CLOSED_LAST.search(closing[: ending.start()])
    return Source(
        path=path,
        name=name,
        encoding=encoding,
        bom=bom,
        made_at=dated[1].replace(" ", "T") if dated else "",
        closed_last=(last[1], last[2]) if last else ("", ""),
        size=status.st_size,
        changed_ns=status.st_mtime_ns,
    )


def _encoding(head: bytes, name: str) -> tuple[str, int]:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding, len(mark)
    declared = _DECLARED.match(head)
    if declared is None:
        return "utf-8", 0
    known = _ENCODINGS.get(declared[1].decode("ascii").casefold())
    if known is None:
        message = f"{name} is in {declared[1].decode('ascii')}, which is not read here. Export it in UTF-8."
        raise IncompleteSource(message)
    return known, 0


def _root(head: bytes, name: str) -> tuple[str, str] | None:
    """Return the root's local name and its attributes as text; None while they cannot be seen."""
    encoding, bom = _encoding(head, name)
    text = head[bom:].decode(encoding, "replace")
    before = _BEFORE_ROOT.match(text)
    at = before.end() if before else 0
    if text.startswith("<!DOCTYPE", at):
        message = (
            f"{name} declares a document type (<!DOCTYPE …>), as no export of 1C does, and is refused whole:"
            " its entities could be an attack. Nothing was taken; find out who wrote it, and export again."
        )
        raise IncompleteSource(message)
    tag = _ROOT_TAG.match(text, at)
    return (tag[1], tag[2]) if tag else None
