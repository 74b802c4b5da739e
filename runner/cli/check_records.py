"""What ``check`` can tell of the records themselves: each flow is read into a ledger that is thrown away.

Doubled articles, statuses and warehouses without a pair, orders of goods that nobody knows: each is told
once, with how many records it concerns, before the first of them is written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from obmen.errors import ConfigurationError
from obmen.project import ConnectionSettings, Project
from obmen.state import Ledger, bindings, outbox, quarantine, seen
from obmen.state.outbox import Row
from obmen.state.quarantine import Entry
from obmen.sync import waiting
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target
from obmen.sync.passes import FlowReport, Listener
from runner.cli.check_categories import UNMAPPED, check_categories
from runner.cli.check_mappings import rule_line, rule_named
from runner.cli.check_rules import check_rules, listening
from runner.cli.found import Found, Level, from_error
from runner.cli.places import find_doubles, find_lines
from runner.render import number, plural

_MOST = 20
"""So many causes of one kind are told one by one."""
_PLACES = 5
"""So many places of one cause are told."""
_DOUBLED = ("duplicate_key", "duplicate_id")


@dataclass(slots=True)
class _Cause:
    """Entries that one change would mend; ``first`` is an example, ``others`` the ids of some more."""

    first: Entry
    count: int = 0
    others: list[str] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Count an entry."""
        self.count += 1
        if entry is not self.first and len(self.others) < _PLACES:
            self.others.append(entry.source)


@dataclass(slots=True)
class _Kind:
    """The causes with one code: the first so many, and how many entries have yet others."""

    causes: dict[str, _Cause] = field(default_factory=dict)
    rest: int = 0

    def add(self, entry: Entry) -> None:
        """Count an entry to its cause."""
        name = _cause_of(entry)
        if name not in self.causes and len(self.causes) == _MOST:
            self.rest += 1
        else:
            self.causes.setdefault(name, _Cause(entry)).add(entry)


class RecordCheck:
    """Reads flows one after another into one scratch ledger, so that each knows what came before it."""

    def __init__(self, project: Project, flows: tuple[Flow, ...], ledger: Ledger, listener: Listener) -> None:
        self.project, self.ledger = project, ledger
        self.flows = tuple(listening(flow) if flow.pricing is not None else flow for flow in flows)
        self.engine = Engine(ledger, self.flows, listener=listener)
        self._doubled: set[str] = set()

    def check(self, flow: Flow) -> Iterator[Found]:
        """Read a flow and tell what is wrong with its records."""
        try:
            report = self.engine.read_only([flow.name])[0]
        except ConfigurationError as error:
            yield from_error(flow.name, error)
            return
        for trouble in report.trouble:
            yield Found("problem", flow.name, str(trouble), self._connection_line(flow))
        yield from self._causes(flow)
        for target in flow.targets:
            yield from check_categories(self.project, flow, target, self.ledger)
            yield from self._unmatched(flow, target)
        yield from check_rules(self.project, flow, self.ledger)
        if not report.trouble:
            yield Found("ok", flow.name, _told(flow, report))

    def _causes(self, flow: Flow) -> Iterator[Found]:
        kinds: dict[str, _Kind] = {}
        for entry in self._entries(flow):
            if entry.waits_for in self._doubled or entry.code == UNMAPPED:
                continue
            if entry.code in _DOUBLED:
                self._doubled.add(waiting.for_native(flow.source.name, entry.entity, entry.source))
            kinds.setdefault(entry.code, _Kind()).add(entry)
        for code, kind in kinds.items():
            yield from self._told_causes(flow, code, list(kind.causes.values()))
            if kind.rest:
                yield Found("problem", flow.name, f"and {plural(kind.rest, 'record')} more of this kind ({code}).")

    def _told_causes(self, flow: Flow, code: str, causes: list[_Cause]) -> Iterator[Found]:
        places = self._places(flow, code, causes)
        for cause in causes:
            entry = cause.first
            first, also = places.get(_cause_of(entry), ("", ""))
            such = "" if code in _DOUBLED else f", such as {_name(entry)}"
            many = f" ({plural(cause.count, 'record')}{such})" if such or cause.count > 1 else ""
            where = self._rule_line(flow, entry) or first or self._connection_line(flow)
            level: Level = "warning" if entry.state == "waiting" else "problem"
            yield Found(level, flow.name, f"{entry.message}{also}{many}", where)

    def _places(self, flow: Flow, code: str, causes: list[_Cause]) -> dict[str, tuple[str, str]]:
        """Return for each cause the line to mend, and a sentence with the others that it concerns."""
        options, ids = self._source(flow).options, [cause.first.source for cause in causes]
        if code == "unmapped":
            return {}
        if code == "duplicate_id":
            doubles = find_doubles(options, ids, _PLACES)
            return {one: (lines[0], _told_others(lines[1:])) for one, lines in doubles.items()}
        if code != "duplicate_key":
            lines = find_lines(options, ids)
            return {_cause_of(cause.first): (lines.get(cause.first.source, ""), "") for cause in causes}
        owners = self._owners(flow, [cause.first.key for cause in causes])
        lines = find_lines(options, [*ids, *owners.values(), *(one for cause in causes for one in cause.others)])
        places = {}
        for cause in causes:
            key = cause.first.key
            owner = lines.get(owners.get(key, ""))
            others = [lines[one] for one in cause.others if one in lines]
            first = f" The first stands at {owner}." if owner else ""
            same = f" The same goes for {_listed(others)}." if others else ""
            places[key] = (lines.get(cause.first.source, ""), first + same)
        return places

    def _entries(self, flow: Flow) -> Iterator[Entry]:
        after = 0
        while True:
            with self.ledger.read() as tx:
                states = ("open", "waiting")
                page = quarantine.entries(tx, flow=flow.name, states=states, after=after, payloads=False)
            if not page:
                return
            yield from page
            after = page[-1].id

    def _owners(self, flow: Flow, keys: list[str]) -> dict[str, str]:
        with self.ledger.read() as tx:
            return {key: known.source for key, known in seen.by_key(tx, flow.name, keys).items()}

    def _unmatched(self, flow: Flow, target: Target) -> Iterator[Found]:
        """Tell which records name others that the target lacks and that no flow brings there."""
        brought = {one.entity.entity for one in self.flows for to in one.targets if to.name == target.name}
        lacking: dict[str, set[str]] = {}
        concerned = 0
        for page in self._decided(flow, target):
            wanted = [target.mapping.push_refs(flow.entity.decoded(row.canonical)) for row in page]
            absent = self._absent(target, {ref for refs in wanted for ref in refs if ref[0] not in brought})
            concerned += sum(not absent.isdisjoint(refs) for refs in wanted)
            for entity, key in absent:
                lacking.setdefault(entity, set()).add(key)
        for entity, keys in lacking.items():
            message = (
                f"{plural(concerned, 'record')} would wait in vain: {target.name} does not have the {entity} "
                f"that they name ({number(len(keys))}, such as {', '.join(sorted(keys)[:3])}). Bring it in "
                "there, or mend the key."
            )
            yield Found("warning", flow.name, message, self._flow_line(flow))

    def _decided(self, flow: Flow, target: Target) -> Iterator[list[Row]]:
        after = ("", -1)
        while True:
            with self.ledger.read() as tx:
                rows = outbox.listing(tx, flow.name, target.name, flow.entity.entity, after)
            if not rows:
                return
            yield rows
            after = (rows[-1].key, rows[-1].sequence)

    def _absent(self, target: Target, refs: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return what the target lacks; of an entity that was never read there, nothing is known."""
        absent = set()
        with self.ledger.read() as tx:
            for entity in {entity for entity, _ in refs if bindings.count(tx, target.name, entity)}:
                keys = {key for one, key in refs if one == entity}
                there = bindings.native_ids(tx, target.name, entity, keys)
                absent |= {(entity, key) for key in keys - there.keys()}
        return absent

    def _rule_line(self, flow: Flow, entry: Entry) -> str:
        """Where the table stands that lacks a row; empty for any other cause."""
        if entry.code != "unmapped":
            return ""
        name = entry.message.partition(":")[0].removeprefix(f"{entry.entity}.").partition(" ")[0]
        pulls = entry.stage == "pull"
        bound = flow.pull if pulls else next(one.mapping for one in flow.targets if one.name == entry.connection)
        rule = rule_named(bound, name, pulls=pulls)
        return rule_line(self.project, entry.connection, rule) if rule is not None else ""

    def _source(self, flow: Flow) -> ConnectionSettings:
        return self.project.connections[flow.source.name]

    def _connection_line(self, flow: Flow) -> str:
        return self.project.where(self._source(flow).line)

    def _flow_line(self, flow: Flow) -> str:
        return self.project.where(self.project.flows[flow.name].line)


@contextmanager
def scratch() -> Iterator[Ledger]:
    """Give a ledger that knows nothing and is thrown away."""
    with tempfile.TemporaryDirectory(prefix="obmen-check-") as folder:
        ledger = Ledger(f"sqlite:///{(Path(folder) / 'state.db').as_posix()}")
        try:
            yield ledger
        finally:
            ledger.close()


def _cause_of(entry: Entry) -> str:
    """What tells causes of one code apart: the doubled key or id, else the words of the reason."""
    return {"duplicate_key": entry.key, "duplicate_id": entry.source}.get(entry.code, entry.message)


def _told_others(lines: list[str]) -> str:
    stand = "other stands" if len(lines) == 1 else "others stand"
    return f" The {stand} at {_listed(lines)}." if lines else ""


def _listed(lines: list[str]) -> str:
    *more, last = lines
    return f"{', '.join(more)} and {last}" if more else last


def _told(flow: Flow, report: FlowReport) -> str:
    ready = sum(report.outbox.get(state, 0) for state in ("pending", "held"))
    to = " and ".join(target.name for target in flow.targets)
    where = f", {number(ready)} ready to be sent to {to}" if flow.targets else ""
    return f"{plural(report.read['read'], 'record')} of {flow.source.name} read{where}."


def _name(entry: Entry) -> str:
    return entry.key or entry.source or "one without an id"
