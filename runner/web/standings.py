"""Where all flows stand, by a few grouped queries: what is shown costs the same however many records there are."""

from __future__ import annotations

from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from obmen.project import FlowSettings, Project
from obmen.state import Transaction, backfills, failing, quarantine, runs, seen, stops, tables, wishes
from obmen.state.backfills import Unfinished
from obmen.state.stops import Stop
from runner.daemon.pulse import Pulse
from runner.observe.late import age
from runner.observe.snapshot import stuck
from runner.web import waits
from runner.web.health import Standing
from runner.web.view import paused, working_on

RUNS = 8
"""How many runs are shown beside a flow."""


def standings(tx: Transaction, project: Project, pulse: Pulse | None) -> list[Standing]:
    """Return where each flow stands, in the order in which they depend on each other."""
    sums = _sums(tx)
    return [_standing(tx, project, flow, pulse, sums) for flow in project.ordered_flows()]


def standing(tx: Transaction, project: Project, flow: FlowSettings, pulse: Pulse | None) -> Standing:
    """Return where one flow stands."""
    return _standing(tx, project, flow, pulse, _sums(tx, flow.name))


class _Sums:
    """State → count, by flow, of the outbox and of the quarantine; the flows that are wanted, and what past is unread.

    ``left``: targets for which there is anything, by flow. ``stops``: what is paused.
    """

    def __init__(self) -> None:
        self.outbox: dict[str, Counter[str]] = defaultdict(Counter)
        self.aside: dict[str, Counter[str]] = defaultdict(Counter)
        self.left: dict[str, set[str]] = defaultdict(set)
        self.wished: set[str] = set()
        self.stops: list[Stop] = []
        self.past: dict[str, Unfinished] = {}


def _sums(tx: Transaction, flow: str | None = None) -> _Sums:
    sums = _Sums()
    out, aside = tables.outbox.c, tables.quarantine.c
    sent = sa.select(out.flow, out.state, out.connection, sa.func.count())
    sent = sent.group_by(out.flow, out.state, out.connection)
    kept = sa.select(aside.flow, aside.state, sa.func.count()).group_by(aside.flow, aside.state)
    kept = kept.where(aside.state.in_(quarantine.UNSETTLED))
    if flow is not None:
        sent, kept = sent.where(out.flow == flow), kept.where(aside.flow == flow)
    for name, state, target, count in tx.rows(sent):
        sums.outbox[name][state] += int(count)
        sums.left[name].add(target)
    for name, state, count in tx.rows(kept):
        sums.aside[name][state] = int(count)
    sums.stops = stops.every(tx)
    sums.wished = {wish.flow for wish in wishes.waiting(tx)}
    sums.past = backfills.unfinished(tx)
    return sums


def _standing(tx: Transaction, project: Project, flow: FlowSettings, pulse: Pulse | None, sums: _Sums) -> Standing:
    rests = paused(pulse) if pulse is not None else {}
    until = max((rests.get(name, 0.0) for name in (flow.source, *flow.targets)), default=0.0)
    read_at = seen.checkpoint(tx, flow.name).read_at
    since = read_at if read_at is not None else pulse.since if pulse is not None else None
    zone = ZoneInfo(project.service.timezone)
    unread = any(one.covers(flow.source, flow.entity, "read") for one in sums.stops)
    stood = stops.of_flow(sums.stops, flow.source, flow.entity, flow.targets)
    fails = failing.of(tx, flow.name, (flow.source, *flow.targets))
    outbox, aside = sums.outbox[flow.name], sums.aside[flow.name]
    return Standing(
        flow=flow,
        at=tx.now,
        runs=runs.recent(tx, flow.name, RUNS),
        outbox=outbox,
        aside=aside,
        read_at=read_at,
        next_at=pulse.next.get(flow.name) if pulse is not None else None,
        paused_until=until if until > tx.now else None,
        late=not unread and since is not None and age(flow, project.alerts.rules, zone, since, tx.now).late,
        lane=working_on(pulse, flow.name) if pulse is not None else None,
        wished=flow.name in sums.wished,
        stops=stood,
        past=sums.past.get(flow.name),
        failing=stuck(flow, fails, sums.left[flow.name], stood),
        waits=waits.of(tx, project, flow) if "waiting" in outbox or "waiting" in aside else None,
    )
