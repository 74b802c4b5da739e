"""What was read before: fingerprints page by page, and which canonical records came from which native one.

An unchanged page is one comparison of one blob. Only for pages that differ are records looked up, and only
if the number of records does not add up is the whole list compared to find what is gone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa

from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import among, given
from obmen.state.ledger import Transaction

FINGERPRINT = 16
_SCAN = 5000
_R = tables.record
_CHECKPOINT = ("flow", "cursor", "epoch", "whole", "pins", "read_at", "heard", "full_at", "full_mark", "how")
_P = tables.seen_page
_KNOWN = sa.select(_R.c.key, _R.c.source, _R.c.fingerprint, _R.c.run).where(given(_R.c.flow))
_BY_SOURCE = fixed(_KNOWN.where(among(_R.c.source)))
_BY_KEY = fixed(_KNOWN.where(among(_R.c.key)))
_AFTER = _KNOWN.where(_R.c.key > sa.bindparam("after")).order_by(_R.c.key).limit(_SCAN)
_ANY = fixed(sa.select(_R.c.key).where(given(_R.c.flow)).limit(1))
_COUNT = fixed(sa.select(sa.func.count()).where(given(_R.c.flow)))
_DROP = fixed(sa.delete(_R).where(given(_R.c.flow), among(_R.c.key)))
_WHERE = fixed(
    sa.select(*(tables.checkpoint.c[name] for name in _CHECKPOINT[1:])).where(given(tables.checkpoint.c.flow))
)
_NUMBERED = fixed(
    sa.select(_P.c.page, _P.c.fingerprints, _P.c.mark).where(
        given(_P.c.flow), _P.c.page >= sa.bindparam("first"), _P.c.page < sa.bindparam("end")
    )
)
_PAGES = (
    sa.select(_P.c.fingerprints)
    .where(given(_P.c.flow), _P.c.page >= sa.bindparam("first"))
    .order_by(_P.c.page)
    .execution_options(yield_per=50)
)
_CUT = fixed(sa.delete(_P).where(given(_P.c.flow), _P.c.page >= sa.bindparam("first")))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a flow's reading stands. ``whole``: the last complete read came to its end.

    ``pins``: values of key fields that a flow's target does not carry, and of which there may therefore be
    only one. ``heard``: up to which hint the changes that the source told of are read; None where it tells of
    none. ``full_at``: when everything was last read; ``full_mark``: what then decided the results. ``how``: the
    way of the last read: ``complete``, ``changes`` (what the source told) or ``since`` (the cursor), and after a
    colon what the connector says of it.
    """

    cursor: str | None = None
    epoch: int = 0
    whole: bool = False
    pins: Mapping[str, str] = field(default_factory=dict)
    read_at: float | None = None
    heard: int | None = None
    full_at: float | None = None
    full_mark: str = ""
    how: str = ""


class Known(msgspec.Struct, frozen=True, gc=False):
    """A canonical record that is known to come from a native one, that one's fingerprint, and the run that saw it."""

    key: str
    source: str
    fingerprint: bytes
    run: int = 0


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A page as it was read: its fingerprints in reading order, and what decided them, if the reader told."""

    fingerprints: bytes = b""
    mark: bytes = b""

    def __len__(self) -> int:
        return len(self.fingerprints) // FINGERPRINT


def checkpoint(tx: Transaction, flow: str) -> Checkpoint:
    """Return where a flow's reading stands."""
    row = tx.one(_WHERE, of_flow=flow)
    if row is None:
        return Checkpoint()
    cursor, epoch, whole, pins, *rest = row
    return Checkpoint(cursor, epoch, bool(whole), json.loads(pins), *rest)


def save_checkpoint(tx: Transaction, flow: str, state: Checkpoint) -> None:
    """Keep where a flow's reading stands."""
    pins = json.dumps(dict(state.pins), ensure_ascii=False)
    row = (flow, state.cursor, state.epoch, int(state.whole), pins, state.read_at)
    heard = (state.heard, state.full_at, state.full_mark, state.how)
    tx.upsert(tables.checkpoint, _CHECKPOINT, [row + heard], keep=("epoch",))


def numbered_pages(tx: Transaction, flow: str, first: int, end: int) -> dict[int, Seen]:
    """Return page number → the page as last read, from ``first`` to before ``end``."""
    rows = tx.rows(_NUMBERED, of_flow=flow, first=first, end=end)
    found = {page: Seen(fingerprints, mark or b"") for page, fingerprints, mark in rows}
    if found:
        tx.let_go()
    return found


def pages(tx: Transaction, flow: str, first: int = 0) -> Iterator[list[bytes]]:
    """Yield the fingerprints of each page from ``first`` on."""
    for row in tx.connection.execute(_PAGES, {"of_flow": flow, "first": first}):
        yield split(row.fingerprints)


def save_pages(tx: Transaction, flow: str, numbered: Sequence[tuple[int, Seen]]) -> None:
    """Keep pages by their numbers."""
    rows = [(flow, number, page.fingerprints, page.mark or None) for number, page in numbered]
    tx.upsert(_P, ("flow", "page", "fingerprints", "mark"), rows)


def cut_pages(tx: Transaction, flow: str, count: int) -> None:
    """Forget the pages after the first ``count``."""
    tx.run(_CUT, of_flow=flow, first=count)


def forget(tx: Transaction, flow: str) -> None:
    """Make the next read of a flow look at every record again: the epoch is part of each fingerprint."""
    state = checkpoint(tx, flow)
    tx.upsert(tables.checkpoint, ("flow", "epoch"), [(flow, state.epoch + 1)])


def split(fingerprints: bytes) -> list[bytes]:
    """Cut a page's blob into its fingerprints."""
    return [fingerprints[at : at + FINGERPRINT] for at in range(0, len(fingerprints), FINGERPRINT)]


def any_record(tx: Transaction, flow: str) -> bool:
    """Whether any canonical record of a flow is known."""
    return tx.one(_ANY, of_flow=flow) is not None


def count(tx: Transaction, flow: str) -> int:
    """Return how many canonical records of a flow are known."""
    return int(tx.rows(_COUNT, of_flow=flow)[0][0])


def by_source(tx: Transaction, flow: str, sources: Iterable[str]) -> dict[str, list[Known]]:
    """Return native id → the canonical records that came from it."""
    found: dict[str, list[Known]] = {}
    for row in tx.rows(_BY_SOURCE, of_flow=flow, of_source=sources):
        known = Known(*row)
        found.setdefault(known.source, []).append(known)
    return found


def by_key(tx: Transaction, flow: str, keys: Iterable[str]) -> dict[str, Known]:
    """Return key → where that canonical record came from."""
    return {row[0]: Known(*row) for row in tx.rows(_BY_KEY, of_flow=flow, of_key=keys)}


def after_key(tx: Transaction, flow: str, key: str) -> list[Known]:
    """Return some thousands of the records of a flow by key, from after the given one on."""
    return [Known(*row) for row in tx.rows(_AFTER, of_flow=flow, after=key)]


def unknown(tx: Transaction, flow: str, sources: Sequence[str], fingerprints: Sequence[bytes]) -> set[bytes]:
    """Return the fingerprints of those native ids that are not known in just this version."""
    known = by_source(tx, flow, sources)
    return {
        one
        for one, source in zip(fingerprints, sources, strict=True)
        if source not in known or any(record.fingerprint != one for record in known[source])
    }


def save_records(tx: Transaction, flow: str, known: Sequence[Known]) -> None:
    """Keep which canonical record came from which native one."""
    rows = [(flow, one.key, one.source, one.fingerprint, one.run) for one in known]
    tx.upsert(tables.record, ("flow", "key", "source", "fingerprint", "run"), rows)


def drop_records(tx: Transaction, flow: str, keys: Sequence[str]) -> None:
    """Forget canonical records that are gone."""
    if keys:
        tx.run(_DROP, of_flow=flow, of_key=keys)


def gone(tx: Transaction, flow: str) -> Iterator[list[Known]]:
    """Yield, some thousands at a time, the records whose fingerprint stands on no page any more.

    The pages' fingerprints are laid into a scratch database on disk, so memory stays flat at any size.
    """
    with closing(sqlite3.connect("")) as scratch:
        scratch.execute("CREATE TABLE present(fingerprint BLOB PRIMARY KEY) WITHOUT ROWID")
        for fingerprints in pages(tx, flow):
            scratch.executemany("INSERT OR IGNORE INTO present VALUES (?)", ((one,) for one in sorted(fingerprints)))
        for batch in _scan(tx, flow):
            marks = ",".join("?" * len(batch))
            query = f"SELECT fingerprint FROM present WHERE fingerprint IN ({marks})"  # noqa: S608 - only question marks are put in
            present = {row[0] for row in scratch.execute(query, [known.fingerprint for known in batch])}
            absent = [known for known in batch if known.fingerprint not in present]
            if absent:
                yield absent


def _scan(tx: Transaction, flow: str) -> Iterator[list[Known]]:
    after = ""
    while True:
        batch = after_key(tx, flow, after)
        if not batch:
            return
        yield batch
        after = batch[-1].key
