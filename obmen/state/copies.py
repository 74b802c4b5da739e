"""Copies of a state in SQLite: made while everything goes on, sealed with a checksum, and looked at before use.

A copy is needed on the worst day of the year. So whatever could be wrong with it (a bad disk, half a transfer, another
program's file) is found before anything is replaced by it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec
import xxhash

from obmen.errors import StateError
from obmen.state.ledger import Ledger

_PAGES = 1000
_WRAP = 1 << 64
_SEAL = "seal"
_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


class Seal(msgspec.Struct, frozen=True):
    """What is written into a copy: when it was made, in Unix seconds, and table → a checksum of its rows."""

    at: float
    sums: dict[str, str]


def make(ledger: Ledger, file: Path) -> None:
    """Copy a state page by page, letting writers through in between, look whether the copy is whole, and seal it.

    Raises StateError if it is not; then there is no file.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        raw = ledger.engine.raw_connection()
        try:
            with closing(sqlite3.connect(part, isolation_level=None)) as target:
                raw.driver_connection.backup(target, pages=_PAGES, sleep=0.001)  # type: ignore[union-attr]  # it is sqlite3's
                _seal(target, ledger.clock.now().timestamp())
        finally:
            raw.close()
        part.replace(file)
    except sqlite3.DatabaseError as error:
        raise StateError(f"{file} could not be made: {error}. The state is as it was.") from error
    finally:
        part.unlink(missing_ok=True)


def bring(file: Path, place: Path) -> Seal | None:
    """Copy a copy to where it is to be used, look at all of it there, and return its seal.

    None: it was made before copies had one, or by other means. Raises StateError where it is none, or damaged.
    """
    place.unlink(missing_ok=True)
    with _told(file):
        source = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)
        with closing(source), closing(sqlite3.connect(place, isolation_level=None)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
            return _examined(target, file)


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        message = f"{file} cannot be used as a copy of the state: {error}. Nothing was changed; take another copy."
        raise StateError(message) from error


def _examined(target: sqlite3.Connection, file: Path) -> Seal | None:
    tables = {name for (name,) in target.execute(_TABLES)}
    if not {"alembic_version", "outbox", "agreed"} <= tables:
        raise StateError(f"{file} is no copy of a state of Obmen. Nothing was changed; name another file.")
    _whole(target, f"{file} is damaged (%s). Nothing was changed; take another copy.")
    seal = _found(target) if "memory" in tables else None
    if seal is not None and seal.sums != _sums(target):
        differing = ", ".join(name for name, one in _sums(target).items() if seal.sums.get(name) != one)
        message = f"{file} is not as it was made: {differing} differ. Nothing was changed; take another copy."
        raise StateError(message)
    if seal is not None:  # from here on it lives, and its rows change
        target.execute("DELETE FROM memory WHERE connection = '' AND name = ?", (_SEAL,))
    return seal


def _seal(target: sqlite3.Connection, at: float) -> None:
    _whole(target, "The copy is damaged (%s), so the state itself may be. Nothing was changed.")
    seal = msgspec.json.encode(Seal(at, _sums(target)))
    target.execute("INSERT OR REPLACE INTO memory VALUES ('', ?, ?)", (_SEAL, seal))
    target.execute("PRAGMA journal_mode=DELETE")


def _found(target: sqlite3.Connection) -> Seal | None:
    row = target.execute("SELECT value FROM memory WHERE connection = '' AND name = ?", (_SEAL,)).fetchone()
    if row is None:
        return None
    try:
        return msgspec.json.decode(row[0], type=Seal)
    except msgspec.DecodeError as error:
        raise sqlite3.DatabaseError("its checksum cannot be read") from error


def _whole(target: sqlite3.Connection, message: str) -> None:
    found = target.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise StateError(message % " ".join(str(found).split()))


def _sums(target: sqlite3.Connection) -> dict[str, str]:
    """Return table → how many rows it has and a sum over their contents; the seal itself does not count."""
    sums = {}
    for (name,) in target.execute(_TABLES).fetchall():
        count = total = 0
        for row in target.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - the name of a table that is there
            if name == "memory" and row[:2] == ("", _SEAL):
                continue
            count += 1
            total += xxhash.xxh3_64_intdigest(msgspec.msgpack.encode(row))
        sums[name] = f"{count}:{total % _WRAP:016x}"
    return sums
