"""Carrying a state to another database, whole and once: from SQLite to PostgreSQL when the customer grows, or back.

Until the end the old place is the state, and from the end on the new one is; a kill in between goes on where it was.
Meanwhile nobody may work with either, so nothing is written to the one that is lost in the other.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import sqlalchemy as sa
import xxhash
from sqlalchemy.engine import Connection, Engine

from obmen.errors import Busy, StateError
from obmen.state import moves, owners, planner, tables
from obmen.state.ledger import Ledger
from obmen.state.moves import Move
from obmen.state.trouble import explained, shown

BATCH = 2000
_WRAP = 1 << 64
_CARRIED = [table for table in tables.metadata.sorted_tables if table is not tables.move]
"""Every table but the mark of the move itself."""
OnRows = Callable[[str, int, int], None]
"""Called with what is read (the state, then the copy), the rows done so far, and how many there are."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table of the state. ``bytes``: on the disk, with its indexes; None where the database does not tell."""

    name: str
    rows: int
    bytes: int | None


class Carrier:
    """Carries the state of ``source`` to ``target``. Close it to let go of both.

    Raises StateError where the target is no place for it: it is the same, or holds something else.
    """

    def __init__(self, source: Ledger, target: str, *, on_rows: OnRows | None = None) -> None:
        if sa.make_url(source.url) == sa.make_url(target):
            raise StateError(f"The state is already in {shown(target)}.")
        self.source = source
        self.target = Ledger(target, clock=source.clock, moving=True)
        self._on_rows: OnRows = on_rows or (lambda _what, _done, _total: None)

    def close(self) -> None:
        """Let go of the target."""
        self.target.close()

    def __enter__(self) -> Carrier:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def carry(self) -> int:
        """Copy, compare, and make the target the state; return how many rows it has.

        Raises Busy while a flow runs, StateError where the copy is not the same in the end.
        """
        with explained(self.source.url), explained(self.target.url):
            move = self._accepted()
            self._leave(move)
            there = self._arrive(move)
            total = sum(_count(self.source.engine, table) for table in _CARRIED)
            if there.stage == "arriving":
                self._copy(there, total)
                self._compare(total)
                _settle(self.target.engine)
                with self.target.engine.begin() as connection:
                    moves.put(connection, there.now("arrived"))
            with self.source.engine.begin() as connection:
                moves.put(connection, replace(move.now("left"), at=self._now()))
        return total

    def cancel(self) -> None:
        """Stay in the source after a move that was cut off; the copy can then be used by nobody."""
        with explained(self.source.url), explained(self.target.url):
            here, there = _found(self.source.engine), _found(self.target.engine)
            if here is None or here.stage != "leaving":
                raise StateError(f"No move of {shown(self.source.url)} is under way, so there is nothing to cancel.")
            if there is not None and there.number == here.number:
                with self.target.engine.begin() as connection:
                    moves.put(connection, there.now("arriving"))
            elif here.place != shown(self.target.url):
                raise StateError(f"The state is on its way to {here.place}. Name that address to cancel it.")
            with self.source.engine.begin() as connection:
                moves.clear(connection)

    # -- marks --------------------------------------------------------------------------------------------

    def _accepted(self) -> Move:
        """Return the move that is to be made, a new one or the one that was cut off."""
        here, there = _found(self.source.engine), _found(self.target.engine)
        place = shown(self.target.url)
        if here is not None and here.stage in {"left", "arriving"}:
            with self.source.engine.connect() as connection:
                moves.refuse(connection)
        under_way = here is not None and here.stage == "leaving"
        move = here if here is not None and under_way else Move(uuid.uuid4().hex, "leaving", place, self._now())
        if there is not None and there.number == move.number and there.stage in {"arriving", "arrived"}:
            return move
        if under_way and move.place != place:
            message = f"The state is on its way to {move.place}. Say that address again, or --cancel with it."
            raise StateError(message)
        if there is not None or any(_count(self.target.engine, table) for table in _CARRIED):
            message = f"{place} already holds a state of Obmen, which is not touched. Name an empty database."
            raise StateError(message)
        return move

    def _leave(self, move: Move) -> None:
        """Let nobody begin anything in the source, once nobody is at anything there."""
        engine = self.source.engine
        with engine.connect().execution_options(obmen_writes=True) as connection, connection.begin():
            if engine.dialect.name == "postgresql":
                names = ", ".join(f'"{table.name}"' for table in tables.metadata.sorted_tables)
                connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
                connection.exec_driver_sql(f"LOCK TABLE {names}")  # whoever did not see the mark has ended
            for row in connection.execute(sa.select(tables.lease)):
                if row.expires_at > self._now() and owners.may_live(row.owner):
                    message = (
                        f"Somebody is at work on this state: '{row.name}' is being run ({row.owner}). Stop the service "
                        "(obmen run) and its workers first, then move the state."
                    )
                    raise Busy(message)
            connection.execute(sa.update(tables.lease).values(token=tables.lease.c.token + 1, expires_at=0.0))
            moves.put(connection, move)

    def _arrive(self, move: Move) -> Move:
        there = _found(self.target.engine)
        if there is None:
            there = Move(move.number, "arriving", shown(self.source.url), self._now())
            with self.target.engine.begin() as connection:
                moves.put(connection, there)
        return there

    # -- rows ---------------------------------------------------------------------------------------------

    def _copy(self, there: Move, total: int) -> None:
        position = dict(there.position)
        done = sum(one["rows"] for one in position.values())
        for table in _CARRIED:
            at = position.get(table.name, {"after": None, "rows": 0})
            for rows in _batches(self.source.engine, table, at["after"]):
                at = {"after": _key_of(table, rows[-1]), "rows": at["rows"] + len(rows)}
                position[table.name] = at
                with self.target.engine.begin() as connection:
                    connection.execute(sa.insert(table), [_named(table, row) for row in rows])
                    moves.put(connection, replace(there, position=position))
                done += len(rows)
                self._on_rows("state", done, total)

    def _compare(self, total: int) -> None:
        done = 0
        for table in _CARRIED:
            sums = [_checksum(engine, table) for engine in (self.source.engine, self.target.engine)]
            if sums[0] != sums[1]:
                message = (
                    f"The copy of '{table.name}' is not the same ({sums[0][0]:,} rows here, {sums[1][0]:,} there). The "
                    "state stays where it is: say it with --cancel, empty the target, and move it again."
                )
                raise StateError(message)
            done += sums[0][0]
            self._on_rows("copy", done, total)

    def _now(self) -> float:
        return self.source.clock.now().timestamp()


def sizes(ledger: Ledger) -> list[TableSize]:
    """Return the state's tables with what they hold."""
    with explained(ledger.url), ledger.engine.connect().execution_options(obmen_writes=False) as connection:
        return [
            TableSize(table.name, _rows(connection, table), _bytes(connection, table))
            for table in tables.metadata.sorted_tables
        ]


def _found(engine: Engine) -> Move | None:
    with engine.connect().execution_options(obmen_writes=False) as connection:
        return moves.found(connection)


def _count(engine: Engine, table: sa.Table) -> int:
    with engine.connect().execution_options(obmen_writes=False) as connection:
        return _rows(connection, table)


def _rows(connection: Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _bytes(connection: Connection, table: sa.Table) -> int | None:
    if connection.dialect.name != "postgresql":
        return None
    return int(connection.execute(sa.select(sa.func.pg_total_relation_size(table.name))).scalar_one())


def _batches(engine: Engine, table: sa.Table, after: Sequence[Any] | None = None) -> Iterator[Sequence[sa.Row[Any]]]:
    """Yield a table's rows in the order of its key, those after a key only."""
    key = list(table.primary_key)
    page = sa.select(table).order_by(*key).limit(BATCH)
    beyond = sa.tuple_(*key) > sa.tuple_(*(sa.bindparam(f"after_{one.name}", type_=one.type) for one in key))
    while True:
        query, values = page, {}
        if after is not None:
            query = page.where(beyond)
            values = {f"after_{one.name}": value for one, value in zip(key, after, strict=True)}
        with engine.connect().execution_options(obmen_writes=False) as connection:
            rows = connection.execute(query, values).all()
        if not rows:
            return
        after = _key_of(table, rows[-1])
        yield rows


def _named(table: sa.Table, row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(table.columns.keys(), row, strict=True))


def _key_of(table: sa.Table, row: Sequence[Any]) -> list[Any]:
    values = _named(table, row)
    return [values[column.name] for column in table.primary_key]


def _checksum(engine: Engine, table: sa.Table) -> tuple[int, int]:
    """Return how many rows there are, and a sum over their contents that does not depend on their order."""
    count = total = 0
    for rows in _batches(engine, table):
        count += len(rows)
        total += sum(xxhash.xxh3_64_intdigest(msgspec.msgpack.encode(tuple(row))) for row in rows)
    return count, total % _WRAP


def _settle(engine: Engine) -> None:
    """Let numbers that the database gives itself go on after those that were carried, and have it count its rows."""
    if engine.dialect.name != "postgresql":
        return
    with engine.begin() as connection:
        for table in _CARRIED:
            column = table.autoincrement_column
            if column is not None:
                last = connection.execute(sa.select(sa.func.max(column))).scalar()
                named = sa.func.pg_get_serial_sequence(table.name, column.name)
                connection.execute(sa.select(sa.func.setval(named, last or 1, last is not None)))
        planner.count(connection)
