"""Putting a state back from a copy: from then on the ledger is older than the world, and must know that it is.

What was delivered since the copy looks undelivered. Absolute writes are said again, which does no harm; what is
created could be created twice, so from then on it is looked for first. What sources told since is forgotten by them,
so all flows read everything anew. Whoever slept meanwhile may not go on with the right that it had; nor may whoever
logged out of the page since, so everybody logs in again.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from obmen.clock import Clock
from obmen.errors import Busy, StateError
from obmen.state import copies, deeds, logouts, moves, owners, tables
from obmen.state.ledger import Ledger, Transaction

_FENCE = 1_000_000_000
"""By how much the leases' numbers jump: beyond whatever was given since the copy."""
_RESTORED = "restored"
_M, _L, _C = tables.memory.c, tables.lease.c, tables.checkpoint.c
_ASIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done. ``made_at``: when the copy was made, in Unix seconds, if it tells; ``kept``: what stood there.

    ``unread``: what stood there could not be read, so nobody was asked whether somebody works with it.
    """

    made_at: float | None
    kept: Path | None
    unread: bool


def restore(place: Path, copy: Path, who: str, clock: Clock) -> Restored:
    """Put the state in a file back from a copy; what stood there is kept beside it.

    Raises StateError where the copy is none or damaged, and Busy while somebody is at work on the state. Then
    nothing was changed.
    """
    part = place.with_name(f"{place.name}.restoring")
    try:
        seal = copies.bring(copy, part)
        _prepare(part, who, copy, clock)
        there = place.exists()
        read = there and _left_alone(place, clock.now().timestamp())
        kept = _exchange(place, part, clock.now()) if there else None
        if kept is None:
            part.replace(place)
    finally:
        for ending in ("", *_ASIDE):
            part.with_name(part.name + ending).unlink(missing_ok=True)
    return Restored(seal.at if seal is not None else None, kept, there and not read)


def mark(tx: Transaction, who: str, about: str) -> None:
    """Let a state that was put back know it: see above."""
    tx.run(sa.update(tables.lease).values(token=_L.token + _FENCE, expires_at=0.0))
    tx.run(sa.update(tables.checkpoint).values(heard=None, full_at=None, epoch=_C.epoch + 1))
    tx.run(sa.delete(tables.memory).where(_M.connection == "", _M.name == logouts.PAGE_SECRET))
    tx.upsert(tables.memory, ("connection", "name", "value"), [("", _RESTORED, repr(tx.now).encode())])
    deeds.note(tx, who, "restore", about)


def restored_at(tx: Transaction) -> float | None:
    """Return when the state was last put back from a copy, in Unix seconds; None if never."""
    row = tx.one(sa.select(_M.value).where(_M.connection == "", _M.name == _RESTORED))
    return None if row is None else float(row.value)


def refuse_work(tx: Transaction) -> None:
    """Raise Busy while somebody is at work on a state."""
    for row in tx.rows(sa.select(tables.lease).where(_L.expires_at > tx.now)):
        _refuse(row.name, row.owner)


def _refuse(name: str, owner: str) -> None:
    if owners.may_live(owner):
        message = (
            f"Somebody is at work on this state: '{name}' is being run ({owner}). Stop the service (obmen run) and its "
            "workers first. Nothing was changed."
        )
        raise Busy(message)


def _prepare(part: Path, who: str, copy: Path, clock: Clock) -> None:
    """Bring the copy to the newest schema and mark it, before it becomes the state."""
    ledger = Ledger(f"sqlite:///{part}", clock=clock, moving=True)
    try:
        with ledger.read() as tx:
            moves.refuse(tx.connection)
        with ledger.write() as tx:
            mark(tx, who, copy.name)
    finally:
        ledger.close()


def _left_alone(place: Path, now: float) -> bool:
    """Make sure that nobody has the file, and that all of it is in it; return False where it cannot be read."""
    try:
        with closing(sqlite3.connect(place, isolation_level=None, timeout=1.0)) as there:
            names = {name for (name,) in there.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            if "lease" in names:
                for name, owner in there.execute("SELECT name, owner FROM lease WHERE expires_at > ?", (now,)):
                    _refuse(name, owner)
            if "move" in names:
                _refuse_moved(there)
            there.execute("PRAGMA journal_mode=DELETE")  # refused as long as another has it open
    except sqlite3.DatabaseError as error:
        if "locked" not in str(error):
            return False
        message = (
            f"Another program has {place} open. End it first (obmen run, obmen page, obmen serve). Nothing was changed."
        )
        raise Busy(message) from error
    return True


def _refuse_moved(there: sqlite3.Connection) -> None:
    found = there.execute("SELECT state, place FROM move").fetchone()
    if found is not None and found[0] != "arrived":
        message = (
            f"The state is not here any more, or not yet: see {found[1]} and 'obmen state show'. Nothing was changed."
        )
        raise StateError(message)


def _exchange(place: Path, part: Path, now: datetime) -> Path:
    """Put the file in its place in one step; return where the one before is kept."""
    kept = place.with_name(f"{place.name}.before-restore-{now.astimezone(UTC):%Y%m%dT%H%M%S}")
    if kept.exists():
        raise Busy(f"{kept} exists: the state was restored in this very second. Say it again.")
    for ending in _ASIDE:  # only beside a file that could not be read
        beside = place.with_name(place.name + ending)
        if beside.exists():
            beside.replace(kept.with_name(kept.name + ending))
    try:
        os.link(place, kept)
    except OSError:
        shutil.copyfile(place, kept)
    part.replace(place)
    return kept
