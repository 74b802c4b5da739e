"""A flow's plan: what a run would write now, made in the background in a rehearsal of the state; nothing is written.

Where the state is in SQLite the rehearsal is a copy, so nobody waits for it; in PostgreSQL it is one transaction that
is rolled back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from obmen.project import FlowSettings, Project
from obmen.state import Ledger
from obmen.sync import plan as plans
from obmen.sync.assemble import Assembly
from obmen.sync.plan import Change, Trouble
from runner.web.call import Answer, Away, Call, Shown, link
from runner.web.jobs import Watch

PLAN_SECONDS = 600.0
MOST_SHOWN = 100


@dataclass
class Plan:
    """What a plan came to: sums by target and by state, and its first changes and troubles."""

    states: dict[str, Counter[str]] = field(default_factory=dict)
    effects: dict[str, Counter[str]] = field(default_factory=dict)
    shown: list[Change] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    changes: int = 0
    trouble_count: int = 0

    def take(self, line: plans.Line) -> None:
        """Count a line, and keep it while there is room."""
        if isinstance(line, Change):
            self.changes += 1
            self.states.setdefault(line.target, Counter())[line.state] += 1
            self.effects.setdefault(line.target, Counter())[line.effect] += 1
            if len(self.shown) < MOST_SHOWN:
                self.shown.append(line)
        elif isinstance(line, Trouble):
            self.trouble_count += 1
            if len(self.troubles) < MOST_SHOWN:
                self.troubles.append(line)


class _Progress:
    """Tells how far the reading is, and ends it when it takes too long."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def reading(self, flow: str, done: int, total: int | None) -> None:  # noqa: ARG002 - the engine's signature
        """Pass it on."""
        self._watch.progress(done)

    def delivering(self, flow: str, target: str, count: int) -> None:
        """Ignore it: a plan delivers nothing."""


def plan(call: Call) -> Answer:
    """Show the newest plan of a flow, or how far it is."""
    settings = call.flow()
    job = call.jobs.last("plan", settings.name)
    made = job.result if job is not None else None
    troubles = [msgspec.structs.replace(one, message=call.said(one.message)) for one in made.troubles] if made else []
    error = call.said(job.error) if job is not None else ""
    return Shown("plan.html", {"flow": settings, "job": job, "plan": made, "troubles": troubles, "error": error})


def make(call: Call) -> Answer:
    """Have a plan made."""
    settings = call.flow()
    project, ledger = call.project, call.ledger

    def work(watch: Watch) -> Plan:
        return _made(project, ledger, settings, watch)

    address = f"/flows/{settings.name}/plan"
    if not call.jobs.begin("plan", settings.name, call.who, PLAN_SECONDS, work):
        return Away(link(address, said="busy"))
    with ledger.write() as tx:
        call.note(tx, "plan", settings.name)
    return Away(address)


def _made(project: Project, ledger: Ledger, settings: FlowSettings, watch: Watch) -> Plan:
    found = Plan()
    with Assembly(project, ledger=ledger) as assembly:
        for line in plans.plan(ledger, assembly.flows, [settings.name], _Progress(watch)):
            watch.alive()
            found.take(line)
    return found
