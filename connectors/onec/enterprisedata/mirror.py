"""What the base has sent, kept on disk before it is acknowledged, and the numbers of both sides' messages.

An acknowledgement makes 1C forget what it sent. So a message is first written here as a whole, in one
transaction that survives a power cut, and only then may a message of ours name its number. If the process
dies between the two, the base sends the same again, and writing it once more changes nothing.

One folder belongs to one node. Two processes that spoke for the same node would acknowledge what the other has
not kept; the lock of the folder lets one of them wait, and is released by the system if its holder dies.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors.onec.enterprisedata.header import Header, decoded_header
from obmen.errors import ConfigurationError, StateError, Unavailable

_VERSION = 2
_ARRIVALS = """
CREATE TABLE arrival (kind TEXT PRIMARY KEY, mark BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO arrival VALUES ('', randomblob(8))
"""
_TABLES = """
CREATE TABLE node (
    id TEXT NOT NULL, plan TEXT NOT NULL, code TEXT NOT NULL, peer TEXT NOT NULL DEFAULT '', header BLOB,
    received INTEGER NOT NULL DEFAULT 0, owed INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0,
    heard INTEGER NOT NULL DEFAULT 0, whole INTEGER NOT NULL DEFAULT 0, commits INTEGER NOT NULL DEFAULT 0);
CREATE TABLE object (
    number INTEGER PRIMARY KEY, type TEXT NOT NULL, ref TEXT NOT NULL, owner TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL, xml BLOB NOT NULL);
CREATE UNIQUE INDEX object_ref ON object (type, ref);
CREATE INDEX object_type ON object (type);
CREATE INDEX object_owner ON object (owner, type);
CREATE INDEX object_at ON object (type, at);
CREATE TABLE barcode (
    code TEXT NOT NULL, good TEXT NOT NULL, product TEXT NOT NULL, PRIMARY KEY (code, good)) WITHOUT ROWID;
CREATE INDEX barcode_product ON barcode (product);
CREATE TABLE price_type (ref TEXT PRIMARY KEY, name TEXT NOT NULL, currency TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE price (
    document TEXT NOT NULL, type TEXT NOT NULL, line INTEGER NOT NULL, good TEXT NOT NULL, product TEXT NOT NULL,
    date TEXT NOT NULL, amount TEXT NOT NULL, factor TEXT NOT NULL, unit TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (document, type, line)) WITHOUT ROWID;
CREATE INDEX price_product ON price (product, good, type, date);
CREATE TABLE outgoing (
    number INTEGER PRIMARY KEY, operation TEXT NOT NULL DEFAULT '', received INTEGER NOT NULL DEFAULT 0);
CREATE TABLE outgoing_object (
    type TEXT NOT NULL, ref TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (type, ref)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Node:
    """Where the exchange with the node stands.

    ``peer``: what the base calls itself. ``header``: of its last message. ``received``: the number of its last
    message that is kept; ``owed``: whether that is still to be acknowledged. ``sent``: the highest number that
    a message of ours was ever given; ``heard``: what the base says it has received of ours. ``whole``: whether
    everything that the base ever sent to the node is here. ``commits``: how many messages are.
    """

    id: str
    peer: str
    header: Header | None
    received: int
    owed: bool
    sent: int
    heard: int
    whole: bool
    commits: int


class Mirror:
    """The folder of one node. ``wait`` is how many seconds to wait for another process."""

    def __init__(self, folder: Path, plan: str, code: str, *, wait: float) -> None:
        self.folder = folder
        self._plan = plan
        self._code = code
        self._wait = wait

    @contextmanager
    def alone(self, wait: float | None = None) -> Iterator[None]:
        """Be the only one that speaks for the node. Raises Unavailable if another process goes on doing so."""
        with closing(self._opened(self._made() / "exchange.lock", self._wait if wait is None else wait)) as lock:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                message = (
                    f"Another process exchanges with the node '{self._code}' now ({self.folder}). Try again later."
                )
                raise Unavailable(message, after=20.0) from error
            try:
                yield
            finally:
                lock.execute("ROLLBACK")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Look at one moment of the mirror, however long it takes."""
        with self._connected() as database, _told(self.folder):
            database.execute("BEGIN")
            try:
                yield database
            finally:
                database.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Change the mirror, whole or not at all; what was changed is on the disk when this ends."""
        with self._connected() as database, _told(self.folder):
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")

    def _made(self) -> Path:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"The folder {self.folder} cannot be made ({error.strerror}). Mend enterprisedata.folder."
            raise ConfigurationError(message) from error
        return self.folder

    @staticmethod
    def _opened(path: Path, wait: float) -> sqlite3.Connection:
        try:
            return sqlite3.connect(path, timeout=wait, isolation_level=None)
        except sqlite3.Error as error:
            raise StateError(f"{path} cannot be opened: {error}.") from error

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        path = self._made() / "mirror.sqlite"
        with closing(self._opened(path, self._wait)) as database:
            with _told(self.folder):
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                self._prepare(database)
            yield database

    def _prepare(self, database: sqlite3.Connection) -> None:
        found = database.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            self._create(database)
        elif found == 1:
            with _brought_to_version(database, found) as old:
                if old:
                    _run(database, _ARRIVALS)
        elif found != _VERSION:
            raise StateError(f"{self.folder} was made by another version of Obmen ({found}).")
        plan, code = database.execute("SELECT plan, code FROM node").fetchone()
        if (plan, code) != (self._plan, self._code):
            message = (
                f"The folder {self.folder} belongs to the node '{code}' of {plan}, not to '{self._code}' of"
                f" {self._plan}. Give each node a folder of its own."
            )
            raise ConfigurationError(message)

    def _create(self, database: sqlite3.Connection) -> None:
        row = uuid.uuid4().hex, self._plan, self._code
        with _brought_to_version(database, 0) as old:
            if old:
                _run(database, _TABLES + _ARRIVALS)
                database.execute("INSERT INTO node (id, plan, code) VALUES (?, ?, ?)", row)


@contextmanager
def _brought_to_version(database: sqlite3.Connection, version: int) -> Iterator[bool]:
    """Say whether the tables are still of this version, which another process may just have changed."""
    database.execute("BEGIN IMMEDIATE")
    yield database.execute("PRAGMA user_version").fetchone()[0] == version
    database.execute(f"PRAGMA user_version = {_VERSION}")
    database.execute("COMMIT")


def _run(database: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";"):
        database.execute(statement)


def arrivals(database: sqlite3.Connection, *kinds: str) -> bytes:
    """Return a mark that is another one after every message that brought an object of these kinds.

    A mirror that is put back from a copy has the copy's mark, and never again one that it had in between.
    """
    known = dict(database.execute("SELECT kind, mark FROM arrival").fetchall())
    return b"".join(known.get(kind, bytes(8)) for kind in ("", *kinds))


def node_of(database: sqlite3.Connection) -> Node:
    """Return where the exchange stands."""
    query = "SELECT id, peer, header, received, owed, sent, heard, whole, commits FROM node"
    id_, peer, header, received, owed, sent, heard, whole, commits = database.execute(query).fetchone()
    known = decoded_header(header) if header is not None else None
    return Node(id_, peer, known, received, bool(owed), sent, heard, bool(whole), commits)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say where it stands if the disk is full or the file is damaged."""
    try:
        yield
    except sqlite3.Error as error:
        raise StateError(f"What the base has sent ({folder / 'mirror.sqlite'}) cannot be used: {error}.") from error
