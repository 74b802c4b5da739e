"""What ``obmen status`` tells of the service: whether it runs, what comes next, and what is the matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from obmen.project import Project
from obmen.state import Ledger, alerts, stops
from obmen.state.alerts import Alert
from obmen.state.compared import Compared
from obmen.state.stops import Stop
from runner.cli.alerts import STYLES, as_data
from runner.observe import snapshot
from runner.observe.snapshot import Snapshot
from runner.observe.troubles import denied, overdue
from runner.render import Cell, Column, Table, ago, clipped, iso, number, span

_LONGEST = 160
_SOON = 3


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """The service as it stands, and the troubles that are open."""

    now: Snapshot
    alerts: tuple[Alert, ...]

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield lines for people, each with its style; none for a project that no service ever ran."""
        pulse, at = self.now.pulse, self.now.at
        yield from self._paused()
        if pulse is None:
            return
        if not self.now.beats:
            yield f"The service does not run: its last sign is from {ago(pulse.at, at)}. Start it: obmen run", "red"
        else:
            yield f"The service has run for {span(at - pulse.since)} ({pulse.process}). {self._next()}".rstrip(), ""
            if pulse.clock:
                yield f"It takes nothing on. {pulse.clock}", "red"
            for name, (until, why) in self.now.down().items():
                rest = span(max(until - at, 0.0))
                yield f"{name} does not answer, left in peace for {rest}: {clipped(why, _LONGEST)}", "yellow"
            if pulse.refused:
                yield f"The project was changed and not taken up: {pulse.refused}", "red"
        for name, words in denied(self.now).items():
            yield f"{name} refuses its key: {clipped(words, _LONGEST)}", "red"
        yield from self._flows()
        for alert in self.alerts:
            first = alert.text.splitlines()[0]
            yield f"{alert.level}, {ago(alert.since, at)}: {first}", STYLES.get(alert.level, "")
        yield "", ""

    def _flows(self) -> Iterator[tuple[str, str]]:
        """Yield which flows are older than they may be, and what fails of them."""
        for one in self.now.flows:
            if one.late:
                yield f"{one.flow.name} is older than it may be.", "red"
            for connection, failing in one.stuck.items():
                if failing.times > 1 and connection not in denied(self.now) and connection not in self.now.down():
                    what = f"{connection} failed {failing.times} times in a row"
                    yield f"{one.flow.name}: {what}: {clipped(failing.words, _LONGEST)}", "red"
            for unsent in overdue(one, self.now, self.now.project.alerts.rules):
                late = f"{unsent.target} has not been told of {unsent.count} for {span(unsent.age)}"
                yield f"{one.flow.name}: {late}. {clipped(unsent.words, _LONGEST)}".rstrip(), "red"

    def _paused(self) -> Iterator[tuple[str, str]]:
        """Yield what people have paused, with since when, so that none of it is forgotten."""
        for one in self.now.stops:
            yield f"{stops.sentence(one)} (since {ago(one.at, self.now.at)})", "yellow"

    def as_data(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        pulse = self.now.pulse
        service = pulse and {
            "running": self.now.beats,
            "since": iso(pulse.since),
            "last_sign": iso(pulse.at),
            "process": pulse.process,
            "refused": pulse.refused,
            "clock": pulse.clock,
            "denied": [{"connection": name, "reason": words} for name, words in denied(self.now).items()],
            "paused": [
                {"connection": name, "until": iso(until), "reason": why}
                for name, (until, why) in self.now.down().items()
            ],
        }
        paused = [as_stop(one) for one in self.now.stops]
        return {"service": service, "alerts": [as_data(alert) for alert in self.alerts], "paused": paused}

    def of_flow(self, name: str) -> dict[str, Any]:
        """Return what ``--json`` prints of one flow."""
        one = next(flow for flow in self.now.flows if flow.flow.name == name)
        pulse = self.now.pulse
        due = pulse.next.get(name) if pulse is not None and self.now.beats else None
        limit = one.age.limit if one.age is not None else None
        return {
            "next_at": iso(due),
            "late": one.late,
            "limit_seconds": limit,
            "paused": [stop.about for stop in one.stops],
            "compared": {target: _as_compared(found) for target, found in one.compared.items()},
        }

    def compared(self) -> Table | None:
        """Return what comparisons with what was told found; None where nothing was ever compared."""
        names = ("Flow", "In", "Compared", "Kept", "Drifted", "Ever", "Held back", "Promotions")
        right = {"Kept", "Drifted", "Ever", "Held back"}
        table = Table([Column(name, right=name in right) for name in names])
        for one in self.now.flows:
            for target, found in one.compared.items():
                table.add(
                    one.flow.name,
                    target,
                    ago(found.at, self.now.at) if found.at is not None else "",
                    number(found.counts.get("same", 0)),
                    Cell(number(found.drift), "yellow" if found.drift else ""),
                    number(found.drifted),
                    number(found.counts.get("withheld", 0)),
                    clipped(", ".join(f"{name} {len(keys)}" for name, keys in found.promotions.items()), _LONGEST),
                )
        return table if any(one.compared for one in self.now.flows) else None

    def _next(self) -> str:
        pulse, at = self.now.pulse, self.now.at
        soon = sorted((due, name) for name, due in pulse.next.items())[:_SOON] if pulse is not None else []
        told = ", ".join(f"{name} in {span(max(due - at, 0.0))}" for due, name in soon)
        return f"Next: {told}." if told else ""


def _as_compared(found: Compared) -> dict[str, Any]:
    return {
        "at": iso(found.at),
        "whole_at": iso(found.whole_at),
        "drift": found.drift,
        "counts": found.counts,
        "drifted": found.drifted,
        "promotions": {name: len(keys) for name, keys in found.promotions.items()},
    }


def as_stop(one: Stop) -> dict[str, Any]:
    """Return a pause as ``--json`` prints it."""
    return {
        "connection": one.connection,
        "entity": one.entity or None,
        "direction": one.direction or None,
        "since": iso(one.at),
        "by": one.who,
        "reason": one.reason,
    }


def of_service(ledger: Ledger, project: Project) -> ServiceNow:
    """Look at the service of a project's state."""
    with ledger.read() as tx:
        opened = tuple(alert for alert in alerts.every(tx) if alert.over_at is None)
    return ServiceNow(snapshot.take(ledger, project), opened)
