"""Where one SKU, order or customer is known: every system it is bound in, and all that the state keeps of it.

Every query names what an index begins with, so that a search costs the same in a shop of a million goods; only in a
PostgreSQL whose locale is not C, what hangs on a key is looked for among all of its kind. A key finds also what hangs
on it: the prices and stocks of a SKU, the statuses of an order. What nothing is called by is looked for in the records
themselves (``inside``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from obmen.entities import ENTITIES, join_key
from obmen.project import Project
from obmen.state import Transaction, quarantine, tables, written
from obmen.state.outbox import Row
from obmen.state.quarantine import Entry
from runner.web import changes, inside, values
from runner.web.changes import Wrote

MOST = 100
"""Rows of each kind at most; one record has few, so more is no answer but a list."""
LONGEST = 500
_SUGGESTED = 20
_WITHIN = ":#"
"""What stands in ids between a card and its size, a good and its characteristic: the first alone finds them too."""
_LAST_OF, _LAST = 20, 5
"""Of how many records the last values are shown, and how many of each."""
_LOCALE = """
SELECT datcollate AS locale, to_jsonb(base) ->> 'datlocprovider' AS provider
  FROM pg_database AS base WHERE datname = current_database()
"""
_BY_LETTERS = frozenset({"C", "POSIX", "C.UTF-8", "C.UTF8"})


@dataclass(frozen=True, slots=True)
class Known:
    """A record as one system knows it; ``at``: Unix seconds."""

    connection: str
    entity: str
    key: str
    at: float
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """Which record there is which record here; ``natural_id``: what it is called there, where that is not the key."""

    connection: str
    entity: str
    key: str
    native_id: str
    natural_id: str | None


@dataclass(slots=True)
class Found:
    """All that is known under a ``name``. ``written``: the last values that were sent, newest first.

    ``suggested``: keys that begin with what was asked for, and ``inside``: those of records in which it stands; both
    only if nothing is called just so.
    """

    name: str = ""
    bound: list[Bound] = field(default_factory=list)
    agreed: list[Known] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)
    aside: list[Entry] = field(default_factory=list)
    facts: list[Known] = field(default_factory=list)
    written: list[Wrote] = field(default_factory=list)
    suggested: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.bound or self.agreed or self.outbox or self.aside or self.facts)


class Search:
    """Looks for one record in a project's state; ``personal``: what is somebody's own may be shown."""

    def __init__(self, tx: Transaction, project: Project, *, personal: bool) -> None:
        self._tx, self._personal = tx, personal
        self._connections = sorted(project.connections)
        self._flows = sorted(project.flows)
        carried = {flow.entity for flow in project.flows.values()}
        subjects = {kind.subject[0] for name in carried if (kind := ENTITIES[name]).subject is not None}
        self._entities = sorted(carried | subjects)
        self._ranged = _ordered_by_letters(tx)
        self._facets = [name for name in self._entities if ENTITIES[name].subject is not None]

    def find(self, asked: str) -> Found:
        """Return what is known under a key, a number of an order, or an id of a system."""
        keys = [asked, *(join_key([name, asked]) for name in self._connections)]
        columns = tables.binding.c
        parts = (self._begins(columns.native_id, f"{asked}{sign}") for sign in _WITHIN)
        named = self._bound(columns.key.in_(keys), columns.native_id == asked, columns.natural_id == asked, *parts)
        keys = list(dict.fromkeys([*keys, *(one.key for one in named)]))
        bound = self._bound(columns.key.in_(keys))
        found = Found(
            name=asked,
            bound=bound,
            agreed=self._known(tables.agreed, "agreed_at", keys),
            outbox=self._decided(keys),
            aside=self._aside(keys, asked),
            facts=self._known(tables.fact, "read_at", keys),
        )
        found.written = self._written(found.agreed)
        if not found:
            found.suggested = self._suggested(asked)
        return found

    def anyhow(self, asked: str, *, personal: bool) -> Found:
        """Return what is known under a name; else what has it inside, all of it if that is one record.

        ``personal``: it may be somebody's phone, e-mail or name.
        """
        found = self.find(asked)
        if not found:
            found.inside = inside.find(self._tx, self._connections, self._entities, asked, personal=personal)
        return (self.find(found.inside[0]) if len(found.inside) == 1 else None) or found

    def _bound(self, *matches: sa.ColumnElement[bool]) -> list[Bound]:
        """Return the bindings that any of these matches; one query each, for each has an index of its own."""
        columns = tables.binding.c
        chosen = (columns.connection, columns.entity, columns.key, columns.native_id, columns.natural_id)
        found: dict[tuple[str, str, str], Bound] = {}
        for match in matches:
            query = sa.select(*chosen).where(*self._where(columns, self._entities), match).limit(MOST)
            for row in self._tx.rows(query):
                found[row.connection, row.entity, row.key] = Bound(*row)
        return sorted(found.values(), key=lambda one: (one.entity, one.key, one.connection))

    def _known(self, table: sa.Table, at: str, keys: Sequence[str]) -> list[Known]:
        columns = table.c
        query = sa.select(columns.connection, columns.entity, columns.key, columns[at], columns.canonical)
        return [
            Known(row.connection, row.entity, row.key, row[3], self._fields(row))
            for row in sorted(self._rows(query, columns, keys), key=lambda row: (row.entity, row.key, row.connection))
        ]

    def _fields(self, row: Any) -> dict[str, Any]:
        return values.fields(row.entity, row.canonical, personal=self._personal)

    def _decided(self, keys: Sequence[str]) -> list[Row]:
        columns = tables.outbox.c
        query = sa.select(*(columns[name] for name in Row.__struct_fields__))
        return [Row(*row) for row in self._rows(query, columns, keys)]

    def _aside(self, keys: Sequence[str], asked: str) -> list[Entry]:
        columns = tables.quarantine.c
        shown = [sa.null().label(one.name) if one.name in {"raw", "canonical"} else one for one in columns]
        here = (columns.flow.in_(self._flows), columns.state.in_(quarantine.UNSETTLED))
        found: dict[int, Entry] = {}
        for match in (columns.key.in_(keys), *self._beginning(columns.key, keys), columns.source == asked):
            for row in self._tx.rows(sa.select(*shown).where(*here, match).limit(MOST)):
                entry = Entry(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented mapping of a row
                found[entry.id] = entry
        return [found[number] for number in sorted(found)]

    def _written(self, known: Sequence[Known]) -> list[Wrote]:
        """Return the last values that were sent of what is known, the newest first."""
        found = [
            row
            for one in known[:_LAST_OF]
            for row in written.of_key(self._tx, one.connection, one.entity, one.key, _LAST)
        ]
        return [changes.of_written(row) for row in sorted(found, key=lambda row: row.id, reverse=True)]

    def _suggested(self, asked: str) -> list[str]:
        columns = tables.binding.c
        match = self._begins(columns.key, asked)
        query = sa.select(columns.key).where(*self._where(columns, self._entities), match).distinct()
        return sorted(key for (key,) in self._tx.rows(query.limit(_SUGGESTED)))

    def _rows(self, query: sa.Select[Any], columns: Any, keys: Sequence[str]) -> list[Any]:
        """Return the rows of these keys, and of what hangs on them."""
        found = list(
            self._tx.rows(query.where(*self._where(columns, self._entities), columns.key.in_(keys)).limit(MOST))
        )
        for match in self._beginning(columns.key, keys) if self._facets else ():
            found += self._tx.rows(query.where(*self._where(columns, self._facets), match).limit(MOST))
        return found[:MOST]

    def _where(self, columns: Any, entities: Sequence[str]) -> tuple[sa.ColumnElement[bool], ...]:
        return columns.connection.in_(self._connections), columns.entity.in_(entities)

    def _beginning(self, column: sa.ColumnElement[str], keys: Sequence[str]) -> list[sa.ColumnElement[bool]]:
        """Match keys that have more parts after one of these: each by a range of its own where there are ranges."""
        starts = dict.fromkeys(start for key in keys for start in (f"{key}|", join_key([key, ""])))
        matches = [self._begins(column, start) for start in starts]
        return matches if self._ranged else [sa.or_(*matches)]

    def _begins(self, column: sa.ColumnElement[str], start: str) -> sa.ColumnElement[bool]:
        """Match what begins with a text: a range of the index where the database orders texts by their letters."""
        if self._ranged:
            return sa.and_(column >= start, column < start + "\U0010ffff")
        return sa.func.starts_with(column, start)


def _ordered_by_letters(tx: Transaction) -> bool:
    """Whether texts stand in the order of their code points: in SQLite always, in PostgreSQL in the locale C."""
    if tx.connection.dialect.name == "sqlite":
        return True
    found = tx.one(sa.text(_LOCALE))
    return found is not None and found.provider in {None, "c"} and found.locale.upper() in _BY_LETTERS
