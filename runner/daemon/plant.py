"""The plant: one project at work. It is built whole or not at all, so that a wrong project never runs in part."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import structlog

from obmen.clock import Clock
from obmen.connector import Connector
from obmen.errors import ObmenError
from obmen.project import Project
from obmen.state import Ledger, outbox, wishes
from obmen.sync.assemble import Assembly
from obmen.sync.passes import Pass
from runner.daemon.checks import Checker, checks_of
from runner.daemon.dispatcher import Dispatcher, FlowState, Pace, pace_of
from runner.daemon.lane import Lane
from runner.daemon.leases import Leases
from runner.daemon.pulse import Doing
from runner.daemon.schedule import timers

_LOG = structlog.get_logger("obmen.service")
_LONGEST_NAP = 1.0
_KEEP_EVERY = 15.0


class Plant:
    """The lanes of a project, with all that they share. ``clock`` also times the connectors' waits.

    Raises ConfigurationError if the project cannot run.
    """

    def __init__(self, project: Project, ledger: Ledger, clock: Clock) -> None:
        self.project, self.ledger, self.clock = project, ledger, clock
        urgent = Assembly(project, clock=clock, ledger=ledger)
        try:
            calm = Assembly(project, clock=clock, ledger=ledger, beside=urgent)
        except ObmenError:
            urgent.close()
            raise
        self.assemblies: dict[Pace, Assembly] = {"urgent": urgent, "calm": calm}
        self.dispatcher = Dispatcher(self._states(), clock)
        self.leases = Leases(ledger)
        self.lanes = [
            Lane(
                seat,
                self.dispatcher,
                ledger,
                self.leases,
                self.assemblies[seat.pace].flows,
                Checker(project, ledger, self.leases, self.assemblies[seat.pace]),
            )
            for seat in self.dispatcher.seats.values()
        ]
        self._threads: list[threading.Thread] = []
        self._granted: dict[str, float] = {}
        self._closed = False
        self._kept = clock.monotonic()

    def start(self) -> None:
        """Let every lane work in a thread of its own."""
        for lane in self.lanes:
            name = f"{lane.seat.connection} {lane.seat.pace}"
            thread = threading.Thread(target=self._work, args=(lane,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def tick(self) -> None:
        """Look what is due by time, what people ask for, and what can be sent."""
        for flow in self.dispatcher.tick():
            _LOG.warning(
                "flow.overruns", flow=flow, hint="a run takes longer than the time between two; none is piled up"
            )
        with self.ledger.read() as tx:
            asked, ripe = wishes.waiting(tx), outbox.ripe(tx)
        for wish in asked:
            if wish.flow in self.dispatcher.flows and self._granted.get(wish.flow) != wish.asked_at:
                self._granted[wish.flow] = wish.asked_at
                by_system = wish.asked_by in self.project.connections
                self.dispatcher.want(wish.flow, patient=by_system)
        self.dispatcher.deliver(ripe)
        if self.clock.monotonic() - self._kept > _KEEP_EVERY:
            self._kept = self.clock.monotonic()
            self.leases.keep()

    def stop(self, patience: float, wait: Callable[[float], object]) -> bool:
        """Let what is under way end, for so many seconds; return whether all did. ``wait``: how time passes."""
        self.dispatcher.stop()
        until = self.clock.monotonic() + patience
        while not self.dispatcher.resting() and self.clock.monotonic() < until:
            wait(0.05)
        ended = self.dispatcher.resting()
        for thread in self._threads if ended else ():
            thread.join(_LONGEST_NAP)
        self._close()
        return ended

    def hold(self, on: bool) -> None:
        """Take nothing on for a while; or go on."""
        self.dispatcher.hold(on)

    def jumped(self) -> None:
        """The wall clock was set: look at the calendar anew."""
        self.dispatcher.jumped()

    def doing(self) -> Doing:
        """Return what is done at the moment, and what comes next."""
        return self.dispatcher.doing()

    def connectors(self) -> Iterator[Connector]:
        """Yield every connector that is at work."""
        for assembly in self.assemblies.values():
            yield from assembly.connectors.values()

    def _close(self) -> None:
        """Let go of everything, once nobody works any more; whoever ends last does it."""
        with self.dispatcher.changed:
            if self._closed or not self.dispatcher.resting():
                return
            self._closed = True
        for work in self._open():
            self.lanes[0].end(work)
        for assembly in self.assemblies.values():
            assembly.close()

    def _open(self) -> Iterator[Pass]:
        for state in self.dispatcher.flows.values():
            work = self.dispatcher.leave(state)
            if work is not None:
                yield work

    def _states(self) -> Iterator[FlowState]:
        flows = {pace: {flow.name: flow for flow in one.flows} for pace, one in self.assemblies.items()}
        for name, timer in timers(self.project, self.ledger, self.clock).items():
            checks = list(checks_of(self.project, flows["calm"][name], self.ledger, self.clock))
            yield FlowState(flows[pace_of(self.project.flows[name].entity)][name], timer, checks=checks)

    def _work(self, lane: Lane) -> None:
        dispatcher = self.dispatcher
        while not dispatcher.stopping:
            if lane.step():
                continue
            with dispatcher.changed:
                if not dispatcher.stopping:
                    dispatcher.changed.wait(min(_LONGEST_NAP, dispatcher.next_try()))
        self._close()
