"""What is known of the service at one moment, by queries that cost the same however many records there are.

Metrics, health, alerts, the status and the doctor all judge this one picture, so that they never contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from obmen import keys
from obmen.project import FlowSettings, Project
from obmen.project.alerts import SilenceModel
from obmen.state import Ledger, Transaction, compared, failing, memory, quarantine, runs, seen, stops, tables
from obmen.state.compared import Compared
from obmen.state.failing import Failing
from obmen.state.quarantine import Group
from obmen.state.runs import Run
from obmen.state.stops import Direction, Stop
from runner.daemon import pulse as pulses
from runner.daemon.pulse import Pulse
from runner.observe.late import Age, age

RUNS = 12
"""How many of a flow's last runs are looked at."""
ON_THE_WAY = ("fresh", "pending", "sent", "accepted")
_ENDED = ("running", "stopped")
_NO_RUN = ("backfill", "verify")
_O, _F = tables.outbox.c, tables.fact.c


@dataclass(frozen=True, slots=True)
class Held:
    """What a guard holds of a flow for one target, and its reason."""

    target: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class FlowNow:
    """One flow. ``read_at``: when its source was last read to the end, Unix seconds; ``age``: how old that is.

    A flow that was never read counts from when the service began, and has no age without one. ``outbox``: (target,
    state) → how many; ``oldest``: target → since when the oldest is on its way, where the rules ask for it.
    ``failing``: connection → what of it fails, reading its source or telling a target. ``stops``: what people have
    paused of it. ``compared``: target → what the last comparison with it found.
    """

    flow: FlowSettings
    read_at: float | None = None
    age: Age | None = None
    runs: Sequence[Run] = ()
    outbox: Mapping[tuple[str, str], int] = field(default_factory=dict)
    oldest: Mapping[str, float] = field(default_factory=dict)
    failing: Mapping[str, Failing] = field(default_factory=dict)
    held: Sequence[Held] = ()
    aside: Sequence[Group] = ()
    stops: Sequence[Stop] = ()
    compared: Mapping[str, Compared] = field(default_factory=dict)

    @property
    def late(self) -> bool:
        """Whether what it read is older than it may be; nobody minds while a person has paused reading it."""
        return self.age is not None and self.age.late and not self.unread

    @property
    def unread(self) -> bool:
        """Whether a person has paused reading it."""
        return any(one.covers(self.flow.source, self.flow.entity, "read") for one in self.stops)

    def unsent(self, target: str) -> bool:
        """Whether a person has paused writing it to a target."""
        return any(one.covers(target, self.flow.entity, "write") for one in self.stops)

    @property
    def paused(self) -> bool:
        """Whether a person has paused all of it, or all that it writes."""
        return self.unread or (bool(self.flow.targets) and all(map(self.unsent, self.flow.targets)))

    @property
    def last(self) -> Run | None:
        """The newest run that came to an end of its own."""
        return next(iter(self.ended), None)

    @property
    def ended(self) -> list[Run]:
        """The runs that came to an end of their own, newest first."""
        return [run for run in self.runs if run.status not in _ENDED and not run.kind.startswith(_NO_RUN)]

    @property
    def stuck(self) -> dict[str, Failing]:
        """Connection → what fails and is wanted to work; see ``stuck``."""
        left = {target for (target, _), count in self.outbox.items() if count}
        return stuck(self.flow, self.failing, left, self.stops)

    @property
    def failures(self) -> int:
        """How often in a row reading it, or telling one of its targets, has failed up to now."""
        return max((one.times for one in self.stuck.values()), default=0)


@dataclass(frozen=True, slots=True)
class Due:
    """Orders of a channel that must be handed over at one time and are not assembled, as far as is known.

    ``ship_by``: the earliest of their times; ``bucket``: what names the time, as long as any of them is open.
    """

    connection: str
    bucket: int
    ship_by: float
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """The whole picture.

    ``happened``: for each rule of silence, in order, when it last happened, None if it never did. ``keys``: connection
    → when its key ends, as far as anybody said it. ``stops``: what people have paused.
    """

    at: float
    project: Project
    pulse: Pulse | None
    flows: tuple[FlowNow, ...]
    due: tuple[Due, ...] = ()
    happened: tuple[float | None, ...] = ()
    keys: Mapping[str, datetime] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()

    @property
    def beats(self) -> bool:
        """Whether the service lives: its pulse is fresh."""
        return self.pulse is not None and abs(self.at - self.pulse.at) < pulses.FRESH

    @property
    def zone(self) -> ZoneInfo:
        """The service's time zone."""
        return ZoneInfo(self.project.service.timezone)

    def down(self) -> Mapping[str, tuple[float, str]]:
        """Return connection that does not answer → until when it is left in peace (Unix seconds), and why."""
        pulse = self.pulse
        if pulse is None or not self.beats:
            return {}
        return {one.connection: (pulse.at + one.seconds, one.reason) for one in pulse.paused}


def take(
    ledger: Ledger,
    project: Project,
    *,
    due: Callable[[Transaction], tuple[Due, ...]] | None = None,
) -> Snapshot:
    """Look at the ledger and the pulse. ``due`` finds the orders that are near their time."""
    pulse = pulses.found(ledger)
    with ledger.read() as tx:
        stood = tuple(stops.every(tx))
        flows = tuple(_flow(tx, project, flow, pulse, stood) for flow in project.ordered_flows())
        happened = tuple(_happened(tx, one) for one in project.alerts.rules.silence)
        found = due(tx) if due is not None else ()
        return Snapshot(tx.now, project, pulse, flows, found, happened, key_ends(tx, project), stood)


def key_ends(tx: Transaction, project: Project) -> dict[str, datetime]:
    """Return connection → when its key ends, as it says itself or as its system said when it was last asked."""
    kept = memory.everywhere(tx, keys.NAME)
    found = {name: keys.ends(one.connector, one.options, kept.get(name)) for name, one in project.connections.items()}
    return {name: at for name, at in found.items() if at is not None}


def stuck(
    flow: FlowSettings, fails: Mapping[str, Failing], left: Collection[str], stood: Sequence[Stop]
) -> dict[str, Failing]:
    """Return connection → what fails of a flow, what failed most often first.

    Nobody minds what is paused (``stood``), nor a target for which nothing is ``left``: the next change tells.
    """

    def minded(connection: str) -> bool:
        direction: Direction = "read" if connection == flow.source else "write"
        paused = any(one.covers(connection, flow.entity, direction) for one in stood)
        return not paused and (connection == flow.source or connection in left)

    found = {name: one for name, one in fails.items() if minded(name)}
    return dict(sorted(found.items(), key=lambda pair: -pair[1].times))


def _flow(tx: Transaction, project: Project, flow: FlowSettings, pulse: Pulse | None, stood: Sequence[Stop]) -> FlowNow:
    read_at = seen.checkpoint(tx, flow.name).read_at
    since = read_at if read_at is not None else pulse.since if pulse is not None else None
    rules, zone = project.alerts.rules, ZoneInfo(project.service.timezone)
    outbox, fails = _outbox(tx, flow.name), failing.of(tx, flow.name, (flow.source, *flow.targets))
    asked = rules.may_be_unsent(flow.entity) is not None
    return FlowNow(
        flow=flow,
        read_at=read_at,
        age=age(flow, rules, zone, since, tx.now) if since is not None else None,
        runs=runs.recent(tx, flow.name, RUNS),
        outbox=outbox,
        oldest=_oldest(tx, flow, fails) if asked and outbox else {},
        failing=fails,
        held=_held(tx, flow.name) if any(state == "held" for _, state in outbox) else (),
        aside=quarantine.groups(tx, flow=flow.name) if quarantine.any_open(tx, flow.name) else (),
        stops=stops.of_flow(stood, flow.source, flow.entity, flow.targets),
        compared={target: found for target in flow.targets if (found := compared.of(tx, flow.name, target)).at},
    )


def _outbox(tx: Transaction, flow: str) -> dict[tuple[str, str], int]:
    query = sa.select(_O.connection, _O.state, sa.func.count()).where(_O.flow == flow)
    return {(one, state): int(count) for one, state, count in tx.rows(query.group_by(_O.connection, _O.state))}


def _oldest(tx: Transaction, flow: FlowSettings, fails: Mapping[str, Failing]) -> dict[str, float]:
    """Return target → since when the oldest waits; what waits for another record counts for orders alone.

    A record that changes while its target takes nothing stays as old as that.
    """
    states = (*ON_THE_WAY, *(("waiting", "held") if flow.entity == "order" else ()))
    query = sa.select(_O.connection, sa.func.min(_O.enqueued_at)).where(_O.flow == flow.name, _O.state.in_(states))
    found = {one: float(at) for one, at in tx.rows(query.group_by(_O.connection))}
    return {one: min(at, fails[one].since) if one in fails else at for one, at in found.items()}


def _held(tx: Transaction, flow: str) -> list[Held]:
    count = sa.func.count()
    query = sa.select(_O.connection, count, _O.reason).where(_O.flow == flow, _O.state == "held")
    query = query.group_by(_O.connection, _O.reason).order_by(count.desc()).limit(5)
    return [Held(target, int(many), reason) for target, many, reason in tx.rows(query)]


def _happened(tx: Transaction, rule: SilenceModel) -> float | None:
    newest = sa.select(_F.occurred_at).where(_F.entity == rule.entity, _F.connection == rule.connection)
    row = tx.one(newest.where(_F.occurred_at.is_not(None)).order_by(_F.occurred_at.desc()).limit(1))
    return float(row.occurred_at) if row is not None else None
