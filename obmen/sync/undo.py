"""Undoing a run: what it wrote goes back to what stood there before, but for what has changed since.

A price list that went out wrong is put right in the source, sooner or later; until then the shop sells by it. So what
every write replaced is kept, and goes back by the usual road: into the outbox, then by the writer. What somebody, or a
later run, changed since is left alone and told, and so is what cannot be taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa

from obmen.entities import ENTITIES, Price, Product, Record, Stock
from obmen.errors import Refused
from obmen.mapping import NotCarried
from obmen.rules import guards
from obmen.state import Ledger, Transaction, agreed, outbox, tables, written
from obmen.state.agreed import Agreed
from obmen.state.given import among, given
from obmen.state.outbox import Decided, Row
from obmen.state.written import Written
from obmen.sync import reckon
from obmen.sync.decide import operation
from obmen.sync.flow import Flow, Target, payload_hash
from obmen.sync.plan import difference_of
from obmen.sync.turns import PATIENCE, turn
from obmen.sync.undo_stock import Room, Rooms

KIND = "undo"
"""The kind of a run that undoes another."""
_KINDS: tuple[type[Record], ...] = (Price, Stock, Product)
ENTITIES_BACK = frozenset(kind.entity for kind in _KINDS)
"""What can be taken back."""
_W, _O = tables.written, tables.outbox
_ENDS = (
    sa.select(_W.c.key, sa.func.min(_W.c.id), sa.func.max(_W.c.id))
    .where(given(_W.c.connection, _W.c.entity, _W.c.run), among(_W.c.key))
    .group_by(_W.c.key)
)
_BEFORE = sa.select(_W.c.key, _W.c.before).where(among(_W.c.id))
_OF_RUN = sa.and_(given(_O.c.flow, _O.c.run), _O.c.cause != sa.bindparam("cause"))
_FLYING = sa.or_(_O.c.state.in_(outbox.IN_FLIGHT), _O.c.attempt > 0)
_UNSENT = sa.and_(_OF_RUN, ~_FLYING)
_COUNT_UNSENT = sa.select(sa.func.count()).select_from(_O).where(_UNSENT)
_COUNT_FLYING = sa.select(sa.func.count()).select_from(_O).where(_OF_RUN, _FLYING)
_DROP_UNSENT = sa.delete(_O).where(_UNSENT)

Verdict = Literal["back", "archived", "zeroed", "same", "under_way", "changed", "queued", "sold", "no_way"]
"""What becomes of a record: it goes ``back``, is ``archived`` or ``zeroed`` since the run created it, or is as it was
before (``same``), or is being undone already (``under_way``); or it is left alone: it has ``changed`` since, something
newer is ``queued``, buyers took it (``sold``), or there is ``no_way`` back."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
DONE: tuple[Verdict, ...] = ("back", "archived", "zeroed")
LEFT: tuple[Verdict, ...] = ("changed", "queued", "sold", "no_way")
_NO_ORDER = "only prices, stock and products are taken back, no {entity}"
_NO_PRICE = "the run gave it its first price, and a price cannot be taken back; set another one in the source"
_QUEUED = "something newer is on its way to it"
_CHANGED = "it has changed since"


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record: ``fields`` is name → [what it is now, what it is to be], personal values masked.

    Of what is left alone: [what it is now, what the run had written]. ``why`` it is left alone, or does not go back
    whole.
    """

    target: str
    entity: str
    key: str
    verdict: Verdict
    fields: dict[str, list[Any]] = {}
    why: str = ""


@dataclass(slots=True)
class Undone:
    """What an undo comes to: target → verdict → how many.

    ``unsent``: what the run had decided and not sent, which is not sent any more. ``flying``: what of the run is on its
    way and cannot be called back; once it has landed the run can be undone again.
    """

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    unsent: int = 0
    flying: int = 0

    @property
    def done(self) -> int:
        """How many records go back."""
        return sum(one[verdict] for one in self.counts.values() for verdict in DONE)

    @property
    def left(self) -> int:
        """How many records are left alone."""
        return sum(one[verdict] for one in self.counts.values() for verdict in LEFT)

    def take(self, line: Line) -> None:
        """Count a line."""
        self.counts.setdefault(line.target, Counter())[line.verdict] += 1


def cause_of(run: int) -> str:
    """Return by what a change is known that undoes a run."""
    return f"{KIND}:{run}"


@dataclass(frozen=True, slots=True)
class _Judged:
    """A record with its verdict, and, if it goes back, what it becomes."""

    line: Line
    record: Record | None = None
    now: Agreed | None = None


class Undo:
    """Undoes one run of one flow. ``on_line`` is told of every record.

    ``rehearsal``: nothing is written. Raises ConfigurationError for a run that cannot be undone.
    """

    def __init__(
        self,
        ledger: Ledger,
        flow: Flow,
        run: int,
        *,
        by: int = 0,
        on_line: Callable[[Line], None] = lambda _line: None,
        on_note: Callable[[str], None] = lambda _why: None,
        patience: float = PATIENCE,
    ) -> None:
        self.ledger, self.flow, self.run, self.by = ledger, flow, run, by
        self._targets = {target.name: target for target in flow.targets}
        self._on_line, self._on_note, self._patience = on_line, on_note, patience
        self._cause = cause_of(run)
        self._rooms: Rooms | None = None
        self.result = Undone()

    def look(self) -> Undone:
        """Say what would be done."""
        after = 0
        with self.ledger.read() as tx:
            self._count_unsent(tx)
        while True:
            with self.ledger.read() as tx:
                rows = written.of_run(tx, self.run, after)
                lines = [one.line for one, _ in self._page(tx, rows)]
            if not rows:
                return self.result
            self._tell(lines)
            after = rows[-1].id

    def put(self) -> Undone:
        """Put what goes back into the outbox, some at a time, and take out what of the run was not sent yet."""
        after = 0
        with turn(self.ledger, self.flow.name, patience=self._patience, on_note=self._on_note) as lease:
            with self.ledger.write(lease) as tx:
                self._count_unsent(tx)
                if self.result.unsent:
                    tx.run(_DROP_UNSENT, self._unsent())
            while True:
                with self.ledger.write(lease) as tx:
                    if self.flow.allocate is not None:
                        reckon.lock(tx, self.flow.source.name)
                    rows = written.of_run(tx, self.run, after)
                    found = list(self._page(tx, rows))
                    self._put(tx, [(one.line, decided) for one, decided in found if decided is not None])
                if not rows:
                    return self.result
                self._tell([one.line for one, _ in found])
                after = rows[-1].id

    def _count_unsent(self, tx: Transaction) -> None:
        if self.flow.entity in _KINDS:  # no order is withdrawn
            self.result.unsent = int(tx.rows(_COUNT_UNSENT, **self._unsent())[0][0])
            self.result.flying = int(tx.rows(_COUNT_FLYING, **self._unsent())[0][0])

    def mine(self, row: Row) -> bool:
        """Whether a row of the outbox is part of this."""
        return row.cause == self._cause

    def _unsent(self) -> dict[str, Any]:
        return {"of_flow": self.flow.name, "of_run": self.run, "cause": self._cause}

    def _tell(self, lines: Sequence[Line]) -> None:
        for line in lines:
            self.result.take(line)
            self._on_line(line)

    def _put(self, tx: Transaction, found: Sequence[tuple[Line, Decided]]) -> None:
        for target in self._targets:
            mine = [decided for line, decided in found if line.target == target]
            outbox.put(tx, self.flow.name, target, self.flow.entity.entity, mine, self.by, state="pending")

    def _page(self, tx: Transaction, rows: Sequence[Written]) -> Iterator[tuple[_Judged, Decided | None]]:
        for (connection, entity), mine in _by_place(rows).items():
            target = self._targets.get(connection)
            rooms = self._room(tx, connection, mine) if entity == Stock.entity else {}
            for one in _judged(tx, mine, self.run, connection, ENTITIES[entity], rooms):
                if one.record is None:
                    yield one, None
                elif target is None or entity != self.flow.entity.entity:
                    yield _left(one, f"the flow {self.flow.name} does not write it any more"), None
                else:
                    yield self._decided(target, one, one.record)

    def _room(self, tx: Transaction, connection: str, rows: Sequence[Written]) -> dict[str, Room]:
        if self._rooms is None:
            self._rooms = Rooms(tx, self.flow, self.run)
        return self._rooms.of(tx, connection, list(dict.fromkeys(row.key for row in rows)))

    def _decided(self, target: Target, one: _Judged, record: Record) -> tuple[_Judged, Decided | None]:
        """Return what goes into the outbox; a record that cannot be said any more is left alone."""
        op = operation(record, one.now)
        if op is None:
            return _Judged(msgspec.structs.replace(one.line, verdict="same", fields={})), None
        try:
            digest = payload_hash(target.mapping, record)
        except NotCarried:
            return _left(one, "the mapping leaves it out"), None
        except Refused as error:
            return _left(one, str(error)), None
        before = record.decoded(one.now.canonical) if one.now is not None else None
        spec = target.connector.writers.get((record.entity, op))
        pause = spec.every if spec is not None else 0.0
        not_before = one.now.at + pause if one.now is not None and pause else 0.0
        effect = guards.effect(before, record, op)
        made = Decided(one.line.key, op, effect, digest, record.encoded(), not_before=not_before, cause=self._cause)
        return one, made


def _by_place(rows: Sequence[Written] | Any) -> dict[tuple[str, str], list[Written]]:
    found: dict[tuple[str, str], list[Written]] = {}
    for row in rows:
        found.setdefault((row.connection, row.entity), []).append(row)
    return found


def _judged(
    tx: Transaction,
    rows: Sequence[Written],
    run: int,
    connection: str,
    entity: type[Record],
    rooms: Mapping[str, Room],
) -> Iterator[_Judged]:
    """Judge what a run wrote to one place, each record once: with what stood before the run wrote it first."""
    keys = [row.key for row in rows]
    ends = {key: (first, last) for key, first, last in tx.rows(_ENDS, **_which(connection, entity, run, keys))}
    rows = [row for row in rows if row.id == ends[row.key][1]]
    earlier = [ends[row.key][0] for row in rows if ends[row.key][0] != row.id]
    before = {row.key: row.before for row in rows}
    before.update((key, canonical) for key, canonical in tx.rows(_BEFORE, of_id=earlier))
    keys = [row.key for row in rows]
    confirmed = agreed.of(tx, connection, entity.entity, keys)
    queued: dict[str, Row] = {row.key: row for row in outbox.of(tx, connection, entity.entity, keys)}
    for row in rows:
        known, waits = confirmed.get(row.key), queued.get(row.key)
        yield _verdict(entity, row, before[row.key], known, waits, cause_of(run), rooms.get(row.key))


def _which(connection: str, entity: type[Record], run: int, keys: Sequence[str]) -> dict[str, Any]:
    return {"of_connection": connection, "of_entity": entity.entity, "of_run": run, "of_key": keys}


def _verdict(
    entity: type[Record],
    row: Written,
    before: bytes | None,
    now: Agreed | None,
    queued: Row | None,
    cause: str,
    room: Room | None,
) -> _Judged:
    """Say what becomes of one record."""
    if entity not in _KINDS:
        return _left_alone(entity, row, "no_way", _NO_ORDER.format(entity=row.entity), now.canonical if now else None)
    if queued is None:
        return _against(entity, row, before, now, room)
    if queued.cause == cause:
        return _Judged(Line(row.connection, row.entity, row.key, "under_way"))
    return _left_alone(entity, row, "queued", _QUEUED, queued.canonical)


def _against(
    entity: type[Record], row: Written, before: bytes | None, now: Agreed | None, room: Room | None
) -> _Judged:
    """Judge a record, of which nothing is on its way, by what the target confirmed last."""
    shown = now.canonical if now is not None else None
    aim, verdict = _aim(entity, row, before)
    if aim is not None and shown is not None and _same(entity, aim.encoded(), shown):
        return _Judged(Line(row.connection, row.entity, row.key, "same"))
    if shown is None or not _same(entity, shown, row.after):
        return _left_alone(entity, row, "changed", _CHANGED, shown)
    if aim is None:
        return _left_alone(entity, row, "no_way", _NO_PRICE, shown)
    why = ""
    if room is not None and isinstance(aim, Stock):
        shows = Stock.model_validate_json(shown).available
        back, why = room.limited(aim.available, shows)
        if why and back == shows:
            sold = room.sold or bool(room.taken)
            return _Judged(Line(row.connection, row.entity, row.key, "sold" if sold else "no_way", why=why))
        aim = aim.model_copy(update={"available": back})
    fields = difference_of(entity, shown, aim.encoded())
    return _Judged(Line(row.connection, row.entity, row.key, verdict, fields, why), aim, now)


def _left_alone(entity: type[Record], row: Written, verdict: Verdict, why: str, shown: bytes | None) -> _Judged:
    fields = difference_of(entity, shown, row.after)
    return _Judged(Line(row.connection, row.entity, row.key, verdict, fields, why))


def _aim(entity: type[Record], row: Written, before: bytes | None) -> tuple[Record | None, Verdict]:
    """Return what the record is to be, None for what the run created and cannot be taken back."""
    if before is not None:
        return entity.decoded(before), "back"
    if entity is Price:
        return None, "no_way"
    values = entity.decoded(row.after).model_dump(exclude_unset=True)
    if entity is Stock:
        return entity.model_validate({**values, "available": 0}), "zeroed"
    return entity.model_validate({**values, "archived": True}), "archived"


def _same(entity: type[Record], one: bytes, other: bytes) -> bool:
    return one == other or entity.decoded(one) == entity.decoded(other)


def _left(one: _Judged, why: str) -> _Judged:
    return _Judged(msgspec.structs.replace(one.line, verdict="no_way", why=why))
