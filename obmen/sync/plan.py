"""Plans: what a run would write, field by field, made without writing anything, and sent only if still true.

The same rows that a run would deliver are the plan: it is made by reading into a rehearsal of the ledger.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from obmen.connector import Connector
from obmen.entities import Record
from obmen.errors import ConfigurationError, StalePlan
from obmen.http.redact import MASK
from obmen.records import Item
from obmen.state import Ledger, agreed, outbox, quarantine, stops
from obmen.state.outbox import Row
from obmen.state.quarantine import Entry
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target
from obmen.sync.passes import FlowReport, Listener
from obmen.sync.prepare import Preparer

FORMAT = 1
EMPTIED = "emptied"
"""The code of the trouble that a source gives nothing any more."""
PAUSED = "paused"
"""The code of what would not be done because a person has paused it."""
_SHOWN = 5


class Change(msgspec.Struct, frozen=True, tag="change", omit_defaults=True):
    """One record that a run would write: ``fields`` is name → [before, after], personal data masked.

    ``state``: pending (it would be sent), held (a guard holds it), waiting (for another record), sent or
    accepted (it is on its way already). ``hash`` tells the payload from any other. ``foreseen``: why the
    target will hold it back or refuse it, as far as its connector can tell. ``cause``: see ``outbox.Decided``.
    """

    flow: str
    target: str
    entity: str
    key: str
    sequence: int
    op: str
    effect: str
    state: str
    hash: str
    fields: dict[str, list[Any]] = {}
    reason: str = ""
    foreseen: str = ""
    cause: str = ""


class Header(msgspec.Struct, frozen=True, tag="plan"):
    """What a plan was made of: its flows, and what decides their results."""

    format: int
    made_at: datetime
    flows: dict[str, str]


class Trouble(msgspec.Struct, frozen=True, tag="trouble"):
    """A record that a run would set aside; without a ``key``, a flow that cannot be read, or is to be warned of."""

    flow: str
    key: str
    code: str
    message: str


Line = Header | Change | Trouble
_DECODER: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def plan(
    ledger: Ledger, flows: Sequence[Flow], names: Sequence[str], listener: Listener | None = None
) -> Iterator[Line]:
    """Yield the plan's lines: a header, then changes and troubles flow by flow. Nothing is written anywhere."""
    with ledger.rehearsal() as scratch:
        engine = Engine(scratch, flows, listener=listener)
        chosen = engine.choose(names)
        yield Header(FORMAT, ledger.clock.now(), {flow.name: flow.salt.hex() for flow in chosen})
        reports = engine.read_only([flow.name for flow in chosen])
        for flow, report in zip(chosen, reports, strict=True):
            yield from of_flow(scratch, flow, report)


def of_flow(ledger: Ledger, flow: Flow, report: FlowReport, run: int | None = None) -> Iterator[Line]:
    """Yield what a rehearsed pass over a flow put into the outbox and set aside; with ``run``, that one alone."""
    for error in report.trouble:
        yield Trouble(flow.name, "", type(error).__name__, str(error))
    for warning in report.warnings:
        yield Trouble(flow.name, "", EMPTIED, warning)
    with ledger.read() as tx:
        stood = [stops.standing(tx, target.name, flow.entity.entity, "write") for target in flow.targets]
    for sentence in dict.fromkeys([*report.paused, *(stops.sentence(one) for one in stood if one is not None)]):
        yield Trouble(flow.name, "", PAUSED, sentence)
    for target in flow.targets:
        yield from changes(ledger, flow, target, run)
    for entry in _entries(ledger, flow.name):
        if run not in {None, entry.run}:
            continue
        yield Trouble(flow.name, entry.key or entry.source, entry.code, entry.message)


def changes(ledger: Ledger, flow: Flow, target: Target, run: int | None = None) -> Iterator[Change]:
    """Yield what stands in the outbox for one target, each with the difference to what that last confirmed.

    With ``run``, only what that run put there.
    """
    after = ("", -1)
    foresees = type(target.connector).foresee is not Connector.foresee
    preparer = Preparer(flow, target)
    while True:
        with ledger.read() as tx:
            rows = outbox.listing(tx, flow.name, target.name, flow.entity.entity, after)
            confirmed = agreed.of(tx, target.name, flow.entity.entity, [row.key for row in rows])
            ready = preparer.prepare(tx, rows).ready if foresees else []
        if not rows:
            return
        canonical = {key: one.canonical for key, one in confirmed.items()}
        foreseen = {(row.key, row.sequence): _foreseen(flow, target, row, item, canonical) for row, item in ready}
        for row in rows:
            if run not in {None, row.run}:
                continue
            change = change_of(flow.entity, row, canonical.get(row.key))
            yield msgspec.structs.replace(change, foreseen=foreseen.get((row.key, row.sequence), ""))
        after = (rows[-1].key, rows[-1].sequence)


def _foreseen(flow: Flow, target: Target, row: Row, item: Item, confirmed: Mapping[str, bytes]) -> str:
    before = confirmed.get(row.key)
    values = None if before is None else flow.entity.decoded(before).model_dump(exclude_unset=True)
    return target.connector.foresee(flow.entity.entity, item.payload, values)


def change_of(entity: type[Record], row: Row, before: bytes | None) -> Change:
    """Say what a row would change."""
    return Change(
        row.flow,
        row.connection,
        row.entity,
        row.key,
        row.sequence,
        row.op,
        row.effect,
        row.state,
        row.hash.hex(),
        difference_of(entity, before, row.canonical),
        row.reason,
        cause=row.cause,
    )


def difference_of(entity: type[Record], before: bytes | None, after: bytes) -> dict[str, list[Any]]:
    """Return field → [before, after] of two encoded records where they differ, personal values masked."""
    old: Mapping[str, Any] = msgspec.json.decode(before) if before is not None else {}
    new: Mapping[str, Any] = msgspec.json.decode(after)
    personal = entity.personal_fields()
    return {
        name: [_shown(old.get(name), name, personal), _shown(new.get(name), name, personal)]
        for name in (*old, *(name for name in new if name not in old))
        if old.get(name) != new.get(name)
    }


def _shown(value: Any, name: str, personal: frozenset[str]) -> Any:
    if value is None:
        return None
    if name in personal:
        return MASK
    if isinstance(value, dict):
        return {inner: _shown(one, f"{name}.{inner}", personal) for inner, one in value.items()}
    return [_shown(one, name, personal) for one in value] if isinstance(value, list) else value


def _entries(ledger: Ledger, flow: str) -> Iterator[Entry]:
    after = 0
    while True:
        with ledger.read() as tx:
            entries = quarantine.entries(tx, flow=flow, states=("open", "waiting"), after=after, payloads=False)
        if not entries:
            return
        yield from entries
        after = entries[-1].id


# -- files --------------------------------------------------------------------------------------------------


def save(path: Path, lines: Iterator[Line]) -> None:
    """Write a plan as JSON lines; the file appears whole or not at all."""
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            for line in lines:
                file.write(msgspec.json.encode(line) + b"\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load(path: Path) -> Iterator[Line]:
    """Yield a plan's lines; raises ConfigurationError with the line that is not one."""
    try:
        file = path.open("rb")
    except OSError as error:
        message = f"The plan cannot be read ({error.strerror}). Make one with: obmen plan -o {path.name}."
        raise ConfigurationError(message, where=str(path)) from error
    with file:
        for number, line in enumerate(file, 1):
            try:
                yield _DECODER.decode(line)
            except msgspec.DecodeError as error:
                message = f"This is not a line of a plan ({error}). Make the plan anew."
                raise ConfigurationError(message, where=f"{path}:{number}") from error


def header(path: Path) -> Header:
    """Return a plan's header."""
    first = next(load(path), None)
    if not isinstance(first, Header) or first.format != FORMAT:
        message = "This is not a plan of this version of Obmen. Make the plan anew."
        raise ConfigurationError(message, where=f"{path}:1")
    return first


def verify(path: Path, lines: Iterator[Line]) -> None:
    """Compare a plan with one made now; raises StalePlan with the first differences."""
    differences = []
    for planned, now in zip_longest(_comparable(load(path)), _comparable(lines)):
        if planned != now:
            differences.append(_contrast(planned, now))
            if len(differences) == _SHOWN:
                break
    if differences:
        message = (
            f"The plan {path.name} is stale: since it was made, the source, the ledger or the project changed. Nothing "
            f"was sent. Make a new plan and look at it. First differences: {'; '.join(differences)}."
        )
        raise StalePlan(message)


def _comparable(lines: Iterator[Line]) -> Iterator[tuple[str, ...]]:
    for line in lines:
        if isinstance(line, Header):
            yield ("project", *(f"{flow}={salt}" for flow, salt in line.flows.items()))
        elif isinstance(line, Change):
            yield (line.flow, line.target, line.key, str(line.sequence), line.op, line.state, line.hash)


def _contrast(planned: tuple[str, ...] | None, now: tuple[str, ...] | None) -> str:
    one = planned or now or ("",)
    name = " ".join(one[:3]) if one[0] != "project" else "the project's flows or mappings"
    if planned is None or now is None:
        return f"{name} ({'new' if planned is None else 'no longer to be written'})"
    return name if planned[:3] == now[:3] else f"{name} (now {' '.join(now[:3])} stands there)"


@contextmanager
def chosen(path: Path, *, held: bool = False) -> Iterator[Membership]:
    """Give a test of whether a row is in a plan; kept on disk, so a plan of any size needs no memory.

    ``held``: what the guards hold counts too, because a person said so.
    """
    with closing(sqlite3.connect("")) as scratch:
        scratch.execute("CREATE TABLE line(id TEXT PRIMARY KEY) WITHOUT ROWID")
        rows = (
            (_identity(line.flow, line.target, line.key, line.sequence, line.hash),)
            for line in load(path)
            if isinstance(line, Change) and (held or line.state != "held")
        )
        scratch.executemany("INSERT OR IGNORE INTO line VALUES (?)", rows)
        yield Membership(scratch)


class Membership:
    """Whether a row is one of a plan's, with the same content."""

    def __init__(self, scratch: sqlite3.Connection) -> None:
        self._scratch = scratch

    def __call__(self, row: Row) -> bool:
        """Look the row up."""
        name = _identity(row.flow, row.connection, row.key, row.sequence, row.hash.hex())
        return self._scratch.execute("SELECT 1 FROM line WHERE id = ?", (name,)).fetchone() is not None


def _identity(*parts: object) -> str:
    return "\n".join(map(str, parts))
