"""Both sides of a flow, read whole and without a trace in the ledger, laid side by side in a scratch database on disk.

So a comparison of any size needs no memory, and it is made of what both sides said within one reading.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from pydantic import ValidationError

from obmen.entities import Record, join_key
from obmen.errors import ConfigurationError
from obmen.mapping import BoundMapping
from obmen.promotion import Promotion
from obmen.records import Native, Page
from obmen.state import Ledger, seen
from obmen.sync.flow import Flow, Target
from obmen.sync.names import Skus
from obmen.sync.pausing import refuse, unpaused
from obmen.sync.readback import pulled_fields
from obmen.sync.slices import decoded

_BATCH = 500
_SHOWN = 5
_SCHEMA = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE here(key TEXT PRIMARY KEY, canonical BLOB) WITHOUT ROWID;
CREATE TABLE there(target TEXT, name TEXT, fields BLOB, met INTEGER DEFAULT 0, PRIMARY KEY(target, name))
  WITHOUT ROWID;
CREATE TABLE promoted(target TEXT, name TEXT, promotion BLOB, PRIMARY KEY(target, name)) WITHOUT ROWID;
"""
OnRead = Callable[[int, int | None], None]


@dataclass(slots=True)
class Told:
    """How one side was read: ``counts`` of its records, the first reasons why some give none, and if it is whole."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    partial: bool = False
    fields: set[str] = field(default_factory=set)

    def cannot(self, reason: object) -> None:
        """Count a record that gives nothing to compare."""
        self.counts["unreadable"] += 1
        if len(self.reasons) < _SHOWN:
            self.reasons.append(str(reason))


class Sides:
    """Reads the two sides of a flow; to be used as a context manager."""

    def __init__(self, ledger: Ledger, flow: Flow, on_read: OnRead) -> None:
        self._ledger, self._flow, self._on_read = ledger, flow, on_read
        self._read = 0
        self._scratch = sqlite3.connect("")
        self._scratch.executescript(_SCHEMA)
        self.here = Told()
        self.there: dict[str, Told] = {}

    def __enter__(self) -> Sides:
        return self

    def __exit__(self, *_: object) -> None:
        self._scratch.close()

    def read(self) -> None:
        """Read the source, and every target that tells all that it has."""
        for key, record in self._records():
            self._scratch.execute("INSERT OR REPLACE INTO here VALUES (?, ?)", (key, record.encoded()))
        for target in self._flow.targets:
            if whole(self._flow, target) and target.back is not None:
                self._read_target(target, target.back)

    def batches(self) -> Iterator[list[Record]]:
        """Yield the source's records by key."""
        after = ""
        while True:
            query = "SELECT key, canonical FROM here WHERE key > ? ORDER BY key LIMIT ?"
            rows = self._scratch.execute(query, (after, _BATCH)).fetchall()
            if not rows:
                return
            yield [self._flow.entity.decoded(canonical) for _, canonical in rows]
            after = rows[-1][0]

    def shown(self, target: Target, matches: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return match → the fields that a target shows; these count as met."""
        marks = ",".join("?" * len(matches))
        where = f"target = ? AND name IN ({marks})"
        rows = self._scratch.execute(f"SELECT name, fields FROM there WHERE {where}", (target.name, *matches))  # noqa: S608 - only question marks are put in
        found = {match: msgspec.json.decode(fields) for match, fields in rows}
        self._scratch.execute(f"UPDATE there SET met = 1 WHERE {where}", (target.name, *matches))  # noqa: S608 - as above
        return found

    def promoted(self, target: Target, matches: Sequence[str]) -> dict[str, Promotion]:
        """Return match → the promotion that changes what was told."""
        marks = ",".join("?" * len(matches))
        query = f"SELECT name, promotion FROM promoted WHERE target = ? AND name IN ({marks})"  # noqa: S608 - as above
        rows = self._scratch.execute(query, (target.name, *matches))
        return {match: msgspec.json.decode(promotion, type=Promotion) for match, promotion in rows}

    def strangers(self, target: Target) -> bool:
        """Whether not one record of either side is met on the other, so that keys say nothing of what is missing."""
        if self._scratch.execute("SELECT 1 FROM there WHERE target = ? LIMIT 1", (target.name,)).fetchone() is None:
            return False
        return not any(
            self._names_there(target, [match_of(self._flow, target, record) for record in records])
            for records in self.batches()
        )

    def _names_there(self, target: Target, names: Sequence[str]) -> bool:
        marks = ",".join("?" * len(names))
        query = f"SELECT 1 FROM there WHERE target = ? AND name IN ({marks}) LIMIT 1"  # noqa: S608 - only question marks are put in
        return self._scratch.execute(query, (target.name, *names)).fetchone() is not None

    def only_there(self, target: Target) -> Iterator[str]:
        """Yield what of a target was not met."""
        query = "SELECT name FROM there WHERE target = ? AND met = 0 ORDER BY name"
        for (match,) in self._scratch.execute(query, (target.name,)):
            yield match

    # -- reading ----------------------------------------------------------------------------------------------

    def _records(self) -> Iterator[tuple[str, Record]]:
        flow = self._flow
        with self._ledger.read() as tx:
            skus = Skus.known(tx, flow.pull)
        for natives in self._natives_here():
            for _, fields in pulled_fields(self._ledger, flow.source.name, flow.pull, skus, natives):
                if not isinstance(fields, dict):
                    self.here.cannot(fields)
                elif (record := self._record(fields)) is not None:
                    self.here.counts["read"] += 1
                    yield record.key, record
            self._tell(len(natives))

    def _record(self, fields: Mapping[str, Any]) -> Record | None:
        """Return the record that the flow carries."""
        try:
            record = self._flow.entity.model_validate(fields)
        except ValidationError as error:
            self.here.cannot(f"it cannot be made ({error.errors(include_input=False)[0]['msg']})")
            return None
        carried = all(str(getattr(record, name)) == value for name, value in self._flow.where.items())
        return record if carried else None

    def _natives_here(self) -> Iterator[list[Native]]:
        source, entity = self._flow.source, self._flow.entity.entity
        if source.readers[entity].complete:
            for page in unpaused(self._ledger, source.name, entity, source.read(entity, None)):
                yield _natives(page, self.here)
        elif entity in source.lookups:
            yield from self._natives_known(source.lookups[entity].batch)
        else:
            message = f"{source.name} tells neither every {entity} nor one by its id, so nothing can be compared."
            raise ConfigurationError(message, where=self._flow.where_line)

    def _natives_known(self, most: int) -> Iterator[list[Native]]:
        """Yield what the source holds of the records that were ever read from it."""
        after = ""
        while True:
            with self._ledger.read() as tx:
                known = seen.after_key(tx, self._flow.name, after)
            if not known:
                return
            ids = list(dict.fromkeys(one.source for one in known))
            for start in range(0, len(ids), most):
                some = ids[start : start + most]
                refuse(self._ledger, self._flow.source.name, self._flow.entity.entity)
                natives = list(self._flow.source.look_up(self._flow.entity.entity, some))
                self.here.counts["untold"] += max(len(some) - len(natives), 0)
                yield natives
            after = known[-1].key

    def _read_target(self, target: Target, back: BoundMapping) -> None:
        told = self.there[target.name] = Told()
        with self._ledger.read() as tx:
            skus = Skus.known(tx, back)
        entity = self._flow.entity.entity
        for page in unpaused(self._ledger, target.name, entity, target.connector.read(entity, None)):
            natives = _natives(page, told)
            for native, fields in pulled_fields(self._ledger, target.name, back, skus, natives):
                if not isinstance(fields, dict):
                    told.cannot(fields)
                    continue
                promotion = target.connector.promotion(entity, native)
                if promotion is not None:
                    row = (target.name, match_of(self._flow, target, fields), msgspec.json.encode(promotion))
                    self._scratch.execute("INSERT OR REPLACE INTO promoted VALUES (?, ?, ?)", row)
                told.counts["read"] += 1
                told.fields.update(fields)
                row = (target.name, match_of(self._flow, target, fields), msgspec.json.encode(fields))
                self._scratch.execute("INSERT OR REPLACE INTO there(target, name, fields) VALUES (?, ?, ?)", row)
            self._tell(len(natives))

    def _tell(self, more: int) -> None:
        self._read += more
        self._on_read(self._read, None)


def whole(flow: Flow, target: Target) -> bool:
    """Whether a target tells all that it has of a flow's entity."""
    spec = target.connector.readers.get(flow.entity.entity)
    return spec is not None and spec.complete and target.back is not None


def match_of(flow: Flow, target: Target, values: Mapping[str, Any] | Record) -> str:
    """Return by what a record is known on both sides: its key, but for what the target does not carry of that."""
    entity = flow.entity
    about = set(entity.subject[1]) if entity.subject else set()
    names = [name for name in entity.key_fields if name in about or name in target.mapping.carries]
    got = (values.get(name, "") if isinstance(values, Mapping) else getattr(values, name) for name in names)
    return join_key([str(one).strip() for one in got])


def _natives(page: Page, told: Told) -> list[Native]:
    told.partial = told.partial or page.partial
    natives: list[Native] = []
    for one in decoded(page, [(b"", raw) for raw in page.slices]):
        if one.fault is not None:
            told.cannot(one.fault)
        natives += one.natives
    return natives
