"""Pictures that 1C sends beside its goods: kept while a good refers to them, and given to channels by address.

They stand in the exchange folder as 1C names them, so a reference in a good leads to its picture. A channel
fetches a picture once for each address, so an address carries a digest of what it leads to: a picture that is
changed under its old name gets another address.
"""

from __future__ import annotations

import re
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import unescape

from connectors.onec.commerceml.files import Source
from connectors.onec.site.database import Database
from connectors.onec.site.durable import sync_folders
from connectors.onec.site.names import image_type
from obmen.records import Native, Page

FOLDER = "import_files"
URLS = "АдресаКартинок"
"""The field of a native product that holds the addresses of its pictures, the main one first."""
FILES = "/files/"
_REFERENCE = re.compile("<Картинка>([^<]+)</Картинка>".encode())
_OVERLAP = 4096
_REVISION = "pictures"
_UNUSED = """
SELECT path FROM pictures JOIN temp.known AS before USING (path, digest)
WHERE path NOT IN (SELECT path FROM temp.referenced)
"""
_COUNT = "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that came: where it lies, and a digest of what it shows."""

    path: Path
    digest: str


def keep_pictures(folder: Path, tx: sqlite3.Connection, pictures: Mapping[str, Picture]) -> None:
    """Move pictures to where goods refer to them, each in one step; count that known ones have changed."""
    changed = False
    for name, picture in pictures.items():
        known = tx.execute("SELECT digest FROM pictures WHERE path = ?", (name,)).fetchall()
        changed = changed or bool(known and known[0][0] != picture.digest)
        target = _place(folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        picture.path.replace(target)
        tx.execute("INSERT OR REPLACE INTO pictures VALUES (?, ?)", (name, picture.digest))
    sync_folders({_place(folder, name).parent for name in pictures})
    if changed:
        tx.execute(_COUNT, (_REVISION,))


def sweep_pictures(folder: Path, database: Database, sources: Iterable[Source]) -> None:
    """Remove the pictures to which nothing refers that counts."""
    with closing(database.connect()) as connection:
        connection.execute("CREATE TEMP TABLE known AS SELECT path, digest FROM pictures")
        connection.execute("CREATE TEMP TABLE referenced (path TEXT PRIMARY KEY) WITHOUT ROWID")
        for source in sources:
            paths = ((path,) for path in _references(source))
            connection.executemany("INSERT OR IGNORE INTO referenced VALUES (?)", paths)
        connection.execute("BEGIN IMMEDIATE")
        unused: list[tuple[str]] = connection.execute(_UNUSED).fetchall()
        for (path,) in unused:
            _place(folder, path).unlink(missing_ok=True)
        connection.executemany("DELETE FROM pictures WHERE path = ?", unused)
        connection.execute("COMMIT")


def with_addresses(pages: Iterable[Page], database: Database, public_url: str) -> Iterator[Page]:
    """Yield pages of products with the addresses of the pictures that are here, in ``АдресаКартинок``."""
    addresses = _Addresses(database, public_url)
    for page in pages:
        yield replace(page, salt=page.salt + addresses.salt, decode=addresses.decoder(page.decode))


class _Addresses:
    """Where pictures can be fetched. Its connection lives as long as somebody decodes with it."""

    def __init__(self, database: Database, public_url: str) -> None:
        self._public_url = public_url
        self._connection = database.connect()
        weakref.finalize(self, self._connection.close)
        revision = self._connection.execute("SELECT value FROM counters WHERE name = ?", (_REVISION,)).fetchall()
        self.salt = f"{public_url} {revision}".encode()

    def decoder(self, decode: Callable[[bytes], Iterable[Native]]) -> Callable[[bytes], Iterator[Native]]:
        """Return a decoder that adds the addresses to what another one gives."""

        def addressed(raw: bytes) -> Iterator[Native]:
            for native in decode(raw):
                urls = [url for path in native.get("Картинка", ()) if (url := self._address(str(path)))]
                yield {**native, URLS: urls} if urls else native

        return addressed

    def _address(self, path: str) -> str | None:
        name = path.strip().replace("\\", "/")
        known = self._connection.execute("SELECT digest FROM pictures WHERE path = ?", (name,)).fetchall()
        return f"{self._public_url}{FILES}{quote(name)}?v={known[0][0][:8]}" if known else None


def picture_file(folder: Path, name: str) -> tuple[bytes, str] | None:
    """Return a kept picture's contents and media type by the name under which goods refer to it."""
    kind = image_type(name)
    place = _place(folder, name)
    if kind is None or not place.resolve().is_relative_to((folder / FOLDER).resolve()) or not place.is_file():
        return None
    return place.read_bytes(), kind


def _place(folder: Path, name: str) -> Path:
    return folder / FOLDER / name.removeprefix(f"{FOLDER}/")


def _references(source: Source) -> Iterator[str]:
    before = b""
    for chunk in source.chunks():
        text = before + chunk
        for found in _REFERENCE.finditer(text):
            yield unescape(found[1].decode("utf-8", "replace")).strip().replace("\\", "/")
        before = text[-_OVERLAP:]
