"""Registers of the sandbox's base: what documents recorded, and rows that are written one by one.

Balances and slices are never kept: they are reckoned from these rows, so a document that is not posted any
more leaves nothing behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.onec.sandbox.kinds import NAMESPACE, STREAM, Register, empty

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Movement:
    """A recorded row. ``sign``: 1 receipt, −1 expense, 0 where nothing accumulates; ``values``: its own, in order."""

    kind: str
    recorder: str
    period: str
    line: int
    sign: int
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a document wants to record: its own date counts where no ``period`` is given."""

    register: str
    own: Mapping[str, Any]
    sign: int = 0
    period: str = ""


class Registers:
    """All rows of all registers. ``noticed(register, kind, recorder)`` is told of each set that changed."""

    def __init__(self, known: Mapping[str, Register], noticed: Callable[[str, str, str], None]) -> None:
        self.known = known
        self.revision: Counter[str] = Counter()
        self._noticed = noticed
        self._recorded: dict[str, dict[tuple[str, str], list[Movement]]] = {name: {} for name in known}
        self._single: dict[str, dict[tuple[Any, ...], Record]] = {name: {} for name in known}
        self._names = {name: _own(register) for name, register in known.items()}
        self._blank = {name: empty(register.own) for name, register in known.items()}

    def record(self, kind: str, recorder: str, date: str, entries: list[Entry]) -> None:
        """Put a document's rows in place of all that it recorded before; registers not known here are passed over."""
        made: dict[str, list[Movement]] = {}
        for entry in entries:
            if entry.register in self.known:
                own = {**self._blank[entry.register], **entry.own}
                values = tuple(own[name] for name in self._names[entry.register])
                rows = made.setdefault(entry.register, [])
                rows.append(Movement(kind, recorder, entry.period or date, len(rows) + 1, entry.sign, values))
        for name, sets in self._recorded.items():
            if name in made or (kind, recorder) in sets:
                sets[kind, recorder] = made.get(name, [])
                self._changed(name, kind, recorder)

    def forget(self, kind: str, recorder: str) -> None:
        """Take back all that a document recorded."""
        self.record(kind, recorder, "", [])

    def put(self, name: str, own: Mapping[str, Any]) -> None:
        """Write a row of a register that no document records; one of the same dimensions is replaced."""
        row = {**self._blank[name], **own}
        self._single[name][tuple(row[part] for part in self.known[name].dimensions)] = row
        self._changed(name, "", "")

    def remove(self, name: str, fits: Callable[[Record], bool]) -> None:
        """Delete the rows that fit from a register that no document records."""
        kept = {key: row for key, row in self._single[name].items() if not fits(row)}
        self._single[name] = kept
        self._changed(name, "", "")

    def movements(self, name: str) -> Iterator[Movement]:
        """Yield what documents recorded."""
        for rows in self._recorded[name].values():
            yield from rows

    def rows(self, name: str) -> list[Record]:
        """Return a register's rows, one by one, as OData shows them."""
        if not self.known[name].recorded:
            return list(self._single[name].values())
        return [self.shown(name, movement) for movement in self.movements(name)]

    def sets(self, name: str) -> list[Record]:
        """Return each document's rows together."""
        return [self.row_set(name, kind, recorder) for kind, recorder in self._recorded[name]]

    def row_set(self, name: str, kind: str, recorder: str) -> Record:
        """Return what one document recorded, empty where that is nothing."""
        rows = self._recorded[name].get((kind, recorder), [])
        shown = [self.shown(name, movement) for movement in rows]
        return {"Recorder": recorder, "Recorder_Type": f"{NAMESPACE}.{kind}", "RecordSet": shown}

    def shown(self, name: str, movement: Movement) -> Record:
        """Return a recorded row as OData shows it."""
        row: Record = {
            "Recorder": movement.recorder,
            "Recorder_Type": f"{NAMESPACE}.{movement.kind}",
            "Period": movement.period,
            "LineNumber": str(movement.line),
            "Active": True,
        }
        if self.known[name].balance:
            row["RecordType"] = "Receipt" if movement.sign > 0 else "Expense"
        row.update(zip(self._names[name], movement.values, strict=True))
        return row

    def places(self, name: str) -> dict[str, int]:
        """Return where each of a register's properties stands among a movement's values."""
        return {part: at for at, part in enumerate(self._names[name])}

    def split(self, name: str, movement: Movement) -> tuple[Record, Record]:
        """Return a recorded row's dimensions and its resources."""
        own = dict(zip(self._names[name], movement.values, strict=True))
        register = self.known[name]
        return {part: own[part] for part in register.dimensions}, {part: own[part] for part in register.resources}

    def total(self, name: str, resource: str, *, until: str = "", but: str = "", **dimensions: Any) -> Any:
        """Return what a resource adds up to for these dimensions.

        Counts what was recorded until a moment, if one is given, and not what the recorder ``but`` did.
        """
        places = self.places(name)
        at = places[resource]
        wanted = [(places[part], value) for part, value in dimensions.items()]
        return sum(
            movement.sign * movement.values[at]
            for movement in self.movements(name)
            if (not until or movement.period <= until)
            and movement.recorder != but
            and all(movement.values[place] == value for place, value in wanted)
        )

    def _changed(self, name: str, kind: str, recorder: str) -> None:
        self.revision[name] += 1
        self._noticed(name, kind, recorder)


def _own(register: Register) -> tuple[str, ...]:
    return tuple(name for name, kind in register.own.items() if kind != STREAM)
