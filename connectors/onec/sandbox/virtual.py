"""Virtual tables, reckoned from movements: Balance, Turnovers, BalanceAndTurnovers, SliceLast, SliceFirst.

A balance at a moment leaves that moment itself out; a slice takes it in; turnovers take in both ends. Without a
moment everything counts, also what is dated into the future.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.onec.sandbox.edmx import record_key, record_type, turnover_names
from connectors.onec.sandbox.functions import BadQuery
from connectors.onec.sandbox.kinds import NUMBER, Register
from connectors.onec.sandbox.query import Follow, UnknownProperty, compile_filter
from connectors.onec.sandbox.registers import Movement, Record, Registers
from connectors.onec.sandbox.shapes import Shape

BALANCES = ("Balance", "Turnovers", "BalanceAndTurnovers")
SLICES = ("SliceLast", "SliceFirst")
_KNOWN = {
    "Balance": {"Period", "Condition", "Dimensions"},
    "Turnovers": {"StartPeriod", "EndPeriod", "Condition", "Dimensions"},
    "BalanceAndTurnovers": {"StartPeriod", "EndPeriod", "Condition", "Dimensions"},
    "SliceLast": {"Period", "Condition"},
    "SliceFirst": {"Period", "Condition"},
}
_FAR = "9999-12-31T23:59:59"
_SIDES = ("before", "net", "receipts", "expenses")
Fits = Callable[[Record], bool]


class Virtual:
    """Reckons virtual tables, and keeps the last ones until their register changes: they are read by pages."""

    def __init__(self, registers: Registers, follow: Follow) -> None:
        self._registers = registers
        self._follow = follow
        self._kept: dict[tuple[str, str, frozenset[tuple[str, str]]], tuple[int, list[Record]]] = {}

    def shape(self, register: str, function: str, parameters: Mapping[str, str]) -> Shape:
        """Return how the rows of a virtual table look. Raises BadQuery."""
        known = self._registers.known[register]
        if function in SLICES:
            return Shape.of(f"{register}_RecordType", record_type(known), record_key(known))
        kept = {part: known.dimensions[part] for part in _dimensions(known, parameters.get("Dimensions", ""))}
        numbers: dict[str, str] = {}
        for resource in known.resources:
            sides = [] if function == "Balance" else turnover_names(resource, known)
            ends = {"Balance": ["Balance"], "BalanceAndTurnovers": ["OpeningBalance", "ClosingBalance"]}
            names = [*sides, *(f"{resource}{end}" for end in ends.get(function, []))]
            numbers |= dict.fromkeys(names, NUMBER)
        return Shape.of(f"{register}_{function.removesuffix('s')}", {**kept, **numbers}, ())

    def rows(self, register: str, function: str, parameters: Mapping[str, str]) -> list[Record]:
        """Return the rows of a virtual table. Raises BadQuery."""
        unknown = sorted(set(parameters) - _KNOWN[function])
        if unknown:
            raise BadQuery(f"{function} has no parameter {unknown[0]}", code="21")
        key, revision = (register, function, frozenset(parameters.items())), self._registers.revision[register]
        if self._kept.get(key, (-1, []))[0] != revision:
            self._kept = {kept: rows for kept, rows in self._kept.items() if kept[0] != register}
            self._kept[key] = (revision, self._reckoned(register, function, parameters))
        return list(self._kept[key][1])

    def _reckoned(self, name: str, function: str, parameters: Mapping[str, str]) -> list[Record]:
        fits = self._condition(parameters.get("Condition", ""))
        if function in SLICES:
            return self._slice(name, fits, parameters.get("Period", ""), last=function == "SliceLast")
        kept = _dimensions(self._registers.known[name], parameters.get("Dimensions", ""))
        if function == "Balance":
            return self._balance(name, fits, kept, parameters.get("Period", _FAR))
        between = parameters.get("StartPeriod", ""), parameters.get("EndPeriod", _FAR)
        return self._turnovers(name, fits, kept, between, balances=function == "BalanceAndTurnovers")

    def _condition(self, source: str) -> Fits:
        if not source:
            return _everything
        fits = compile_filter(source, self._follow)

        def ask(row: Record) -> bool:
            try:
                return fits(row)
            except UnknownProperty as unknown:
                message = f"Поле не найдено «{unknown}»"
                raise BadQuery(message, status=500, code="-1") from unknown

        return ask

    def _balance(self, name: str, fits: Fits, kept: list[str], before: str) -> list[Record]:
        resources = self._registers.known[name].resources
        sums: dict[tuple[Any, ...], list[Any]] = {}
        for key, movement in self._grouped(name, fits, kept):
            if movement.period < before:
                own = sums.setdefault(key, [0] * len(resources))
                for at, amount in self._amounts(name, movement):
                    own[at] += movement.sign * amount
        names = [f"{resource}Balance" for resource in resources]
        return [
            {**dict(zip(kept, key, strict=True)), **dict(zip(names, own, strict=True))}
            for key, own in sums.items()
            if any(own)
        ]

    def _turnovers(
        self, name: str, fits: Fits, kept: list[str], between: tuple[str, str], *, balances: bool
    ) -> list[Record]:
        register = self._registers.known[name]
        start, end = between
        sums: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
        for key, movement in self._grouped(name, fits, kept):
            if movement.period > end:
                continue
            own = sums.setdefault(key, {side: [0] * len(register.resources) for side in _SIDES})
            for at, amount in self._amounts(name, movement):
                if movement.period < start:
                    own["before"][at] += movement.sign * amount
                else:
                    own["net"][at] += movement.sign * amount
                    own["receipts" if movement.sign > 0 else "expenses"][at] += amount
        return [
            {**dict(zip(kept, key, strict=True)), **_told(register, own, balances=balances)}
            for key, own in sums.items()
            if any(own["receipts"]) or any(own["expenses"]) or (balances and any(own["before"]))
        ]

    def _grouped(self, name: str, fits: Fits, kept: list[str]) -> Iterator[tuple[tuple[Any, ...], Movement]]:
        """Yield the movements whose dimensions meet the condition, each with the dimensions to group it by."""
        places = self._registers.places(name)
        asked = () if fits is _everything else self._registers.known[name].dimensions
        at = [places[part] for part in kept]
        for movement in self._registers.movements(name):
            values = movement.values
            if fits({part: values[places[part]] for part in asked}):
                yield tuple([values[place] for place in at]), movement

    def _amounts(self, name: str, movement: Movement) -> Iterator[tuple[int, Any]]:
        """Yield the resources that a movement moves, by their number."""
        register = self._registers.known[name]
        first = len(register.dimensions)
        for at, amount in enumerate(movement.values[first : first + len(register.resources)]):
            if amount:
                yield at, amount

    def _slice(self, name: str, fits: Fits, period: str, *, last: bool) -> list[Record]:
        places = self._registers.places(name)
        at = [places[part] for part in self._registers.known[name].dimensions]
        chosen: dict[tuple[Any, ...], Movement] = {}
        for movement in self._registers.movements(name):
            if period and (movement.period > period if last else movement.period < period):
                continue
            if fits is not _everything and not fits(self._registers.shown(name, movement)):
                continue
            key = tuple(movement.values[place] for place in at)
            other = chosen.get(key)
            if other is None or (movement.period >= other.period if last else movement.period < other.period):
                chosen[key] = movement
        return [self._registers.shown(name, movement) for movement in chosen.values()]


def _everything(row: Record) -> bool:
    del row
    return True


def _dimensions(register: Register, source: str) -> list[str]:
    """Return the properties of the dimensions that are named, or of all."""
    if not source.strip():
        return list(register.dimensions)
    kept: list[str] = []
    for name in (part.strip() for part in source.split(",")):
        found = [part for part in (name, f"{name}_Key", f"{name}_Type") if part in register.dimensions]
        if not found or name.endswith(("_Key", "_Type")):
            raise BadQuery(f"Измерение {name} не найдено", code="14")
        kept += found
    return kept


def _told(register: Register, own: Mapping[str, list[Any]], *, balances: bool) -> Record:
    row: Record = {}
    for at, name in enumerate(register.resources):
        opening, *moved = (own[side][at] for side in _SIDES)
        if balances:
            row[f"{name}OpeningBalance"] = opening
        row |= dict(zip(turnover_names(name, register), moved, strict=False))
        if balances:
            row[f"{name}ClosingBalance"] = opening + moved[0]
    return row
