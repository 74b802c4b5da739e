"""The connections: how each is reached, what flows do with it, and what its last check found.

Looking at the page calls nobody. What keys may do, and when they end, is what the connector found when somebody last
had it checked; that is kept, so it can be read when the system does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from obmen import keys
from obmen.errors import ObmenError
from obmen.http.redact import Redactor
from obmen.project import ConnectionSettings, Project
from obmen.state import Ledger, stops
from obmen.state.memory import LedgerMemory
from obmen.state.stops import Stop
from obmen.sync.assemble import equip
from obmen.usage import Usage
from runner.daemon.pulse import LaneNow
from runner.observe import snapshot
from runner.observe.troubles import denied
from runner.web.call import Answer, Away, Call, Lost, Shown, link
from runner.web.jobs import Job, Watch
from runner.web.view import doing, paused

CHECK_SECONDS = 300.0
_MOST_FINDINGS = 200


class Seen(msgspec.Struct, frozen=True):
    """One thing that a check found."""

    level: Literal["ok", "warning", "problem"]
    message: str
    option: str = ""


class Checked(msgspec.Struct, frozen=True):
    """What the last check found, when (Unix seconds) and for whom."""

    at: float
    by: str
    findings: list[Seen]


@dataclass(frozen=True, slots=True)
class Told:
    """One connection as the page shows it. ``refusal``: in which words it refuses its key, if it does."""

    name: str
    title: str
    kind: str
    address: str
    usage: Usage
    checked: Checked | None
    job: Job | None
    refusal: str
    paused_until: float | None
    key_ends: datetime | None
    lanes: Sequence[LaneNow]
    stops: Sequence[Stop]

    @property
    def entities(self) -> list[str]:
        """What flows read from it or write to it."""
        return list(dict.fromkeys((*self.usage.reads, *self.usage.writes)))

    @property
    def level(self) -> str:
        """The worst that the last check found."""
        levels = {one.level for one in self.checked.findings} if self.checked else set()
        return next((level for level in ("problem", "warning", "ok") if level in levels), "none")


def connections(call: Call) -> Answer:
    """Show them."""
    with call.ledger.read() as tx:
        stood = stops.every(tx)
    refused = denied(snapshot.take(call.ledger, call.project))
    told = [_told(call, one, refused.get(one.name, ""), stood) for one in call.project.connections.values()]
    return Shown("connections.html", {"connections": told, "doing": doing})


def check(call: Call) -> Answer:
    """Have a connection checked, in the background."""
    name = call.path["connection"]
    settings = call.project.connections.get(name)
    if settings is None:
        raise Lost
    project, ledger, redact, who = call.project, call.ledger, call.redact, call.who

    def work(watch: Watch) -> None:
        _check(project, ledger, settings, redact, who, watch)

    if not call.jobs.begin("check", name, who, CHECK_SECONDS, work):
        return Away(link("/connections", said="busy"))
    with ledger.write() as tx:
        call.note(tx, "check", name)
    return Away(link("/connections", said="checking"))


def usage(project: Project, connection: str) -> Usage:
    """Return what the project's flows do with a connection."""
    reads: dict[str, list[str]] = {}
    writes: dict[str, list[str]] = {}
    for flow in project.flows.values():
        if flow.source == connection:
            reads.setdefault(flow.entity, []).append(flow.name)
        if connection in flow.targets:
            writes.setdefault(flow.entity, []).append(flow.name)
    return Usage(reads, writes)


def _check(
    project: Project, ledger: Ledger, settings: ConnectionSettings, redact: Redactor, who: str, watch: Watch
) -> None:
    connector = settings.connector(settings.name, settings.options)
    equip(connector, ledger)
    findings: list[Seen] = []
    try:
        for one in connector.check_usage(usage(project, settings.name)):
            watch.progress(len(findings))
            if len(findings) < _MOST_FINDINGS:
                findings.append(Seen(one.level, redact(one.message), one.option))
    except ObmenError as error:
        findings.append(Seen("problem", redact(str(error))))
    finally:
        connector.close()
    made = Checked(ledger.clock.now().timestamp(), who, findings)
    LedgerMemory(ledger, "").put(_name(settings.name), msgspec.json.encode(made))


def _told(call: Call, settings: ConnectionSettings, refusal: str, stood: Sequence[Stop]) -> Told:
    name = settings.name
    kept = LedgerMemory(call.ledger, "").get(_name(name))
    pulse = call.pulse
    until = paused(pulse).get(name) if pulse else None
    return Told(
        name=name,
        title=settings.connector.title or settings.kind,
        kind=settings.kind,
        address=_address(settings, call.redact),
        usage=usage(call.project, name),
        checked=msgspec.json.decode(kept, type=Checked) if kept else None,
        job=call.jobs.last("check", name),
        refusal=refusal,
        paused_until=until if until is not None and until > call.now else None,
        key_ends=keys.ends(settings.connector, settings.options, LedgerMemory(call.ledger, name).get(keys.NAME)),
        lanes=[lane for lane in pulse.lanes if lane.connection == name and lane.task] if pulse else [],
        stops=[one for one in stood if one.connection == name],
    )


def _address(settings: ConnectionSettings, redact: Redactor) -> str:
    """Return where a system is reached, without a login that stands in its address."""
    parts = urlsplit(settings.connector.transport(settings.options).base_url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return redact.secrets(f"{parts.scheme}://{host}{port}{parts.path}") if host else ""


def _name(connection: str) -> str:
    return f"page/check/{connection}"
