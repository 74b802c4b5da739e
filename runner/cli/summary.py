"""A plan for people: how much goes where, the first records field by field, and why some would not go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from obmen import errors
from obmen.sync.flow import Flow
from obmen.sync.plan import EMPTIED, PAUSED, Change, Header, Line, Trouble
from runner.cli.causes import in_words
from runner.exit_codes import ExitCode, of_error, severest
from runner.render import Cell, Column, Screen, Table, clipped, number, plural

_STYLES = {"created": "green", "lowered": "yellow", "zeroed": "red", "archived": "red"}
_SENT = ("pending",)
_WIDE, _VALUE = 90, 48
_MOST_REASONS = 5
_NOTHING = "–"
_WAITS = "unresolved"


@dataclass(slots=True)
class _Part:
    """What one target of one flow would be told."""

    flow: Flow
    target: str
    states: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    other_reasons: int = 0
    foreseen: int = 0
    foreseen_shown: list[Change] = field(default_factory=list)
    shown: list[Change] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many records it is about."""
        return self.states.total()

    def hold(self, reason: str) -> None:
        """Count a held record to its reason; of many different ones only the first are kept."""
        if reason in self.reasons or len(self.reasons) < _MOST_REASONS:
            self.reasons[reason] += 1
        else:
            self.other_reasons += 1

    def foresee(self, change: Change) -> None:
        """Count what the target will hold back; the first of them are shown with the reason."""
        self.foreseen += 1
        if len(self.foreseen_shown) < _MOST_REASONS:
            self.foreseen_shown.append(change)


class Summary:
    """Watches a plan go by and keeps its sums and, of each flow and target, its first ``rows`` changes."""

    def __init__(self, flows: Sequence[Flow], rows: int) -> None:
        self._flows = {flow.name: flow for flow in flows}
        self._rows = rows
        self._parts: dict[tuple[str, str], _Part] = {}
        self._set_aside: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], Trouble] = {}
        self._failures: list[Trouble] = []
        self._warnings: list[Trouble] = []
        self.flow_names: tuple[str, ...] = ()

    def watching(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Pass the lines on and look at each."""
        for line in lines:
            if isinstance(line, Header):
                self.flow_names = tuple(line.flows)
            elif isinstance(line, Change):
                self._change(line)
            else:
                self._trouble(line)
            yield line

    @property
    def to_send(self) -> int:
        """How many records a sync would send."""
        return sum(part.states[state] for part in self._parts.values() for state in _SENT)

    @property
    def unread(self) -> ExitCode | None:
        """The code of what kept a flow from being read; None if all were."""
        found = {of_error(getattr(errors, trouble.code)) for trouble in self._failures}
        return severest(found) if found else None

    def as_data(self) -> dict[str, Any]:
        """Return the sums as ``--json`` prints them."""
        parts = [
            {
                "flow": part.flow.name,
                "target": part.target,
                "entity": part.flow.entity.entity,
                "effects": dict(part.effects),
                "states": dict(part.states),
                "foreseen": part.foreseen,
            }
            for part in self._parts.values()
        ]
        aside = [{"flow": flow, "code": code, "records": count} for (flow, code), count in self._set_aside.items()]
        failures = [msgspec.to_builtins(trouble) for trouble in self._failures]
        warnings = [msgspec.to_builtins(trouble) for trouble in self._warnings]
        return {
            "to_send": self.to_send,
            "changes": parts,
            "set_aside": aside,
            "unread": failures,
            "warnings": warnings,
        }

    def show(self, screen: Screen) -> None:
        """Print it."""
        for part in self._parts.values():
            _show_part(screen, part)
        for trouble in self._failures:
            screen.line(f"{trouble.flow} could not be read: {trouble.message}", "red")
        for trouble in self._warnings:
            screen.line(f"{trouble.flow}: {trouble.message}", "yellow")
        for (flow, code), count in self._set_aside.items():
            first = self._examples[flow, code]
            what = "waiting for another record" if code == _WAITS else "set aside and not sent"
            screen.line(f"{flow}: {plural(count, 'record')} {what} ({code}), such as:", "yellow")
            screen.line(f"  {clipped(first.key, _VALUE)}: {first.message}")
        if not (self._parts or self._failures or self._warnings or self._set_aside):
            names = ", ".join(self.flow_names)
            screen.line(f"Nothing to send: {names} {'is' if len(self.flow_names) == 1 else 'are'} in agreement.")
        elif not self.to_send:
            screen.line("Nothing to send.")

    def _change(self, change: Change) -> None:
        name = (change.flow, change.target)
        part = self._parts.setdefault(name, _Part(self._flows[change.flow], change.target))
        part.states[change.state] += 1
        part.effects[change.effect] += 1
        if change.state == "held":
            part.hold(change.reason)
        if change.foreseen:
            part.foresee(change)
        if len(part.shown) < self._rows:
            part.shown.append(change)

    def _trouble(self, trouble: Trouble) -> None:
        if trouble.code in {EMPTIED, PAUSED}:
            self._warnings.append(trouble)
            return
        if not trouble.key and isinstance(getattr(errors, trouble.code, None), type):
            self._failures.append(trouble)
            return
        name = (trouble.flow, trouble.code)
        self._set_aside[name] += 1
        self._examples.setdefault(name, trouble)


def _show_part(screen: Screen, part: _Part) -> None:
    flow = part.flow
    screen.line(f"{flow.name}: {flow.entity.entity} from {flow.source.name} to {part.target}", "bold")
    screen.line(f"  {_sum(part)}")
    table = Table([Column("Record"), Column("Change"), Column("Field"), Column("Now"), Column("Will be")])
    for change in part.shown:
        _add(table, change)
    if table.rows:
        screen.table(table)
    if part.count > len(part.shown) and part.shown:
        screen.line(f"… and {plural(part.count - len(part.shown), 'record')} more")
    for reason, count in part.reasons.most_common():
        screen.line(f"held ({number(count)}): {reason}.", "yellow")
    if part.other_reasons:
        screen.line(f"held for other reasons: {number(part.other_reasons)}", "yellow")
    if part.foreseen:
        screen.line(f"{part.target} will hold back or refuse {plural(part.foreseen, 'record')}, such as:", "yellow")
        for change in part.foreseen_shown:
            screen.line(f"  {clipped(change.key, _VALUE)}: {change.foreseen}")
    if part.states["held"]:
        screen.line(f'If what is held is right: obmen sync {flow.name} --force "why"')
    screen.line()


def _sum(part: _Part) -> str:
    effects = ", ".join(f"{number(count)} {effect}" for effect, count in part.effects.most_common())
    words = {"pending": "to send", "held": "held by a guard", "waiting": "waiting for another record"}
    states = ", ".join(
        f"{number(count)} {words.get(state, 'on the way already')}" for state, count in part.states.most_common()
    )
    return f"{states} ({effects})"


def _add(table: Table, change: Change) -> None:
    style = _STYLES.get(change.effect, "")
    word = change.effect if change.state == "pending" else f"{change.effect}, {change.state}"
    if change.cause:
        word = f"{word} ({in_words(change.cause)})"
    if change.effect == "created":
        values = ", ".join(f"{name}: {shown_value(after)}" for name, (_, after) in change.fields.items())
        table.add(change.key, Cell(word, style), "", "", clipped(values, _WIDE))
        return
    record, what = change.key, Cell(word, style)
    for name, (before, after) in change.fields.items() or [("", ("", ""))]:
        table.add(record, what, name, shown_value(before), shown_value(after))
        record, what = "", Cell("")


def shown_value(value: Any) -> str:
    """Return a field's value in one short line."""
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return clipped(msgspec.json.encode(value).decode(), _VALUE)
    return clipped(str(value), _VALUE)
