"""The dispatcher: what may be done next, and by which lane.

A flow is read by its source's lane and delivered by its targets' lanes. It is never read twice at once, nor read
while it is delivered; a connection is only ever used by its own lane, one task after the other, the most urgent first.
Every connection has two lanes, so that a long read of goods holds up no order: one for what is urgent, one for all
else.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from obmen.clock import Clock
from obmen.errors import Busy, Denied, Interrupted, ObmenError, Unavailable
from obmen.state import Lease
from obmen.sync.flow import Flow
from obmen.sync.passes import Pass
from runner.daemon.breaker import TOLERANCE, Breaker
from runner.daemon.pulse import Doing, LaneNow, PausedNow
from runner.daemon.schedule import Timer
from runner.daemon.tasks import Check, Task

Pace = Literal["urgent", "calm"]
URGENT = ("order_status", "order", "stock", "price", "bonus_operation", "bonus_account")
"""What is done first, in this order; all else comes after it."""
_BUSY_AGAIN = 5.0
_IDLE = 10.0
"""Seconds before a delivery that found nothing it could do is tried again, such as of steps that wait for others."""
_SLICE = 30.0
"""Seconds after which a delivery lets others have their turn."""


def pace_of(entity: str) -> Pace:
    """Return which of a connection's lanes a flow of an entity takes."""
    return "urgent" if entity in URGENT else "calm"


def priority_of(entity: str) -> int:
    """Return the place of an entity among what waits; the smallest goes first."""
    return URGENT.index(entity) if entity in URGENT else len(URGENT)


@dataclass(slots=True)
class FlowState:
    """Where one flow stands in the service. ``due``: targets for which something may be sent now.

    ``owed``: those of them whose turn comes before the flow is read again, or one that is always due to be read would
    never be delivered. ``asked``: a person wants it to be read. ``open``: the pass that is under way. ``checks`` wait
    for nothing else of the flow, and nothing waits for them.
    """

    flow: Flow
    timer: Timer
    wanted: bool = False
    running: set[Task] = field(default_factory=set)
    due: set[str] = field(default_factory=set)
    owed: set[str] = field(default_factory=set)
    asked: bool = False
    open: Pass | None = None
    lease: Lease | None = None
    overran: bool = False
    checks: list[Check] = field(default_factory=list)

    @property
    def entity(self) -> str:
        """The flow's entity."""
        return self.flow.entity.entity

    @property
    def reading(self) -> bool:
        """Whether it is being read."""
        return Task(self.flow.name) in self.running


@dataclass(slots=True)
class Seat:
    """A lane as the dispatcher sees it.

    ``since``: the monotonic time at which its task began. ``progress``: records done of it, and how many there are
    in all, where that is known.
    """

    connection: str
    pace: Pace
    task: Task | None = None
    since: float = 0.0
    progress: tuple[int, int | None] = (0, None)


class Dispatcher:
    """Gives out tasks and takes them back; safe to be used by many threads."""

    def __init__(self, states: Iterable[FlowState], clock: Clock) -> None:
        self.clock = clock
        self.flows = {state.flow.name: state for state in states}
        self.seats: dict[tuple[str, Pace], Seat] = {}
        self.connections: dict[str, Breaker] = {}
        self.stopping = self.held = False
        self.changed = threading.Condition()
        self.opening = threading.Lock()
        """Held while a flow's pass is opened, for targets may begin at the same time."""
        self._tasks: dict[Task, Breaker] = {}
        for state in self.flows.values():
            pace = pace_of(state.entity)
            for name in (state.flow.source.name, *(target.name for target in state.flow.targets)):
                self.seats.setdefault((name, pace), Seat(name, pace))
                self.connections.setdefault(name, Breaker(clock, TOLERANCE))
            for check in state.checks:
                self.seats.setdefault((check.target, "calm"), Seat(check.target, "calm"))

    # -- what is wanted -----------------------------------------------------------------------------------

    def tick(self) -> list[str]:
        """Want what is due; return the flows that were due again before they had ended."""
        overran = []
        with self.changed:
            for state in self.flows.values():
                for check in state.checks:
                    if check.timer.due():
                        check.timer.began()
                        check.wanted = True
                if not state.timer.due():
                    continue
                state.timer.began()
                if state.running:
                    if not state.overran:
                        overran.append(state.flow.name)
                    state.overran = True
                state.wanted = True
            self.changed.notify_all()
        return overran

    def want(self, flow: str, *, patient: bool = False) -> None:
        """Want a flow to be read as soon as may be, whatever stands in its way; ``patient``: pauses are kept."""
        with self.changed:
            state = self.flows[flow]
            state.wanted = True
            if not patient:
                state.asked = True
                state.owed.clear()
            for task in () if patient else self._tasks_of(state):
                self._breaker(task).worked()
                self.connections[self._place(state, task)].until = 0.0
            self.changed.notify_all()

    def deliver(self, due: Iterable[tuple[str, str]]) -> None:
        """Want what is due to be sent: flow and target."""
        with self.changed:
            for flow, target in due:
                state = self.flows.get(flow)
                if state is not None and any(one.name == target for one in state.flow.targets):
                    state.due.add(target)
            self.changed.notify_all()

    def jumped(self) -> None:
        """The wall clock was set: look at the calendar anew."""
        with self.changed:
            for state in self.flows.values():
                for timer in (state.timer, *(check.timer for check in state.checks)):
                    timer.jumped()

    def hold(self, on: bool) -> None:
        """Give out nothing for a while, and what is under way ends at its own; or go on."""
        with self.changed:
            self.held = on
            self.changed.notify_all()

    def stop(self) -> None:
        """Give out nothing any more, and let what is under way end soon."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()

    # -- what is done -------------------------------------------------------------------------------------

    def take(self, seat: Seat) -> Task | None:
        """Give a lane its next task, or nothing."""
        with self.changed:
            if self.stopping or self.held or self.connections[seat.connection].open:
                return None
            found = min(self._ready(seat), key=self._urgency, default=None)
            if found is not None:
                state = self.flows[found.flow]
                self._begin(state, found)
                seat.task, seat.since, seat.progress = found, self.clock.monotonic(), (0, None)
            return found

    def _begin(self, state: FlowState, task: Task) -> None:
        if task.check:
            check = self._check(task)
            check.wanted, check.running = False, True
            return
        state.running.add(task)
        if task.target:
            state.due.discard(task.target)
            state.owed.discard(task.target)
        else:
            state.wanted = state.overran = state.asked = False

    def done(
        self, seat: Seat, task: Task, error: ObmenError | None, *, idle: bool = False, answered: bool = True
    ) -> None:
        """Take a task back. ``error``: what stopped it, if anything did.

        ``idle``: there was nothing to be done; ``answered``: the connection has answered something.
        """
        with self.changed:
            state = self.flows[task.flow]
            state.running.discard(task)
            if task.check:
                self._check(task).running = False
            seat.task = None
            self._learn(state, seat, task, error, answered=answered)
            if error is None and not task.target:
                state.owed = set(state.due)
            if idle:
                self._breaker(task).until = self.clock.monotonic() + _IDLE
            self.changed.notify_all()

    def leave(self, state: FlowState) -> Pass | None:
        """Take the pass that is open from a flow, since another one begins."""
        with self.changed:
            work, state.open = state.open, None
            return work

    def finished(self, state: FlowState) -> Pass | None:
        """Take the pass that is open from a flow, if all that can be done now is done."""
        with self.changed:
            if state.running or any(self._may_go(state, Task(state.flow.name, target)) for target in state.due):
                return None
            work, state.open = state.open, None
            return work

    def go_on(self, task: Task) -> None:
        """Have a check that left the rest for later go on as soon as nothing else is to be done there."""
        with self.changed:
            self._check(task).wanted = True

    def others_wait(self, seat: Seat) -> bool:
        """Whether a check should leave the rest for its next turn."""
        if self.stopping:
            return True
        with self.changed:
            return any(not one.check for one in self._ready(seat))

    def enough(self, seat: Seat, task: Task) -> bool:
        """Whether a delivery should leave the rest for its next turn."""
        if self.stopping:
            return True
        with self.changed:
            state = self.flows[task.flow]
            late = self.clock.monotonic() - seat.since > _SLICE
            if state.wanted and (late or state.asked) and self._free(self._seat(state, Task(task.flow))):
                return True
            mine = priority_of(state.entity)
            waiting = [self.flows[one.flow] for one in self._ready(seat) if not one.check]
            return any(late or priority_of(other.entity) < mine for other in waiting)

    def resting(self) -> bool:
        """Whether nothing is under way."""
        with self.changed:
            return not any(
                state.running or any(check.running for check in state.checks) for state in self.flows.values()
            )

    def next_try(self) -> float:
        """Return how many seconds until a pause is over, 60 at most: until then there is nothing new to take."""
        with self.changed:
            rests = [one.rest for one in (*self.connections.values(), *self._tasks.values()) if one.open]
            return min([*rests, 60.0])

    def doing(self) -> Doing:
        """Return what every lane does, which connections do not answer, and when each flow is due."""
        now = self.clock.monotonic()
        with self.changed:
            due = {name: state.timer.next() for name, state in self.flows.items()}
            return Doing(
                tuple(_lane_now(seat, now) for seat in self.seats.values()),
                tuple(
                    PausedNow(name, round(one.rest, 1), one.reason)
                    for name, one in self.connections.items()
                    if one.down
                ),
                {name: at for name, at in due.items() if at is not None},
            )

    # -- inside -------------------------------------------------------------------------------------------

    def _ready(self, seat: Seat) -> Iterator[Task]:
        for state in self.flows.values():
            if seat.pace == "calm":
                yield from self._checks_of(state, seat)
            if pace_of(state.entity) != seat.pace:
                continue
            read = Task(state.flow.name)
            if state.wanted and state.flow.source.name == seat.connection and not state.running:
                if not self._breaker(read).open and not self._owes(state):
                    yield read
            elif seat.connection in state.due and self._may_deliver(state, Task(state.flow.name, seat.connection)):
                yield Task(state.flow.name, seat.connection)

    def _checks_of(self, state: FlowState, seat: Seat) -> Iterator[Task]:
        """Yield what may be compared now; of one target never two comparisons at once."""
        for check in state.checks:
            task = Task(state.flow.name, check.target, check.kind)
            busy = any(one.running for one in state.checks if one.target == check.target)
            if check.target == seat.connection and check.wanted and not busy and not self._breaker(task).open:
                yield task

    def _check(self, task: Task) -> Check:
        checks = self.flows[task.flow].checks
        return next(one for one in checks if (one.target, one.kind) == (task.target, task.check))

    def _may_deliver(self, state: FlowState, task: Task) -> bool:
        """Whether it is not being read, nor about to be: else targets that take turns would keep it from it.

        What is owed goes before the next read.
        """
        if state.reading or task in state.running or self._breaker(task).open:
            return False
        if task.target in state.owed:
            return True
        read = Task(state.flow.name)
        return not (state.wanted and not self._breaker(read).open and self._free(self._seat(state, read)))

    def _owes(self, state: FlowState) -> bool:
        """Whether some target could take its turn now."""
        tasks = [Task(state.flow.name, target) for target in state.owed & state.due]
        return any(self._may_go(state, task) and self._free(self._seat(state, task)) for task in tasks)

    def _may_go(self, state: FlowState, task: Task) -> bool:
        return not (self.stopping or self._breaker(task).open or self.connections[self._place(state, task)].open)

    def _free(self, seat: Seat) -> bool:
        return seat.task is None and not self.connections[seat.connection].open

    def _seat(self, state: FlowState, task: Task) -> Seat:
        return self.seats[self._place(state, task), pace_of(state.entity)]

    def _urgency(self, task: Task) -> tuple[int, int]:
        if task.check:
            return len(URGENT) + 1, int(task.check == "whole")
        return priority_of(self.flows[task.flow].entity), 0 if task.target else 1

    def _breaker(self, task: Task) -> Breaker:
        return self._tasks.setdefault(task, Breaker(self.clock))

    def _learn(self, state: FlowState, seat: Seat, task: Task, error: ObmenError | None, *, answered: bool) -> None:
        connection = self.connections[seat.connection]
        if isinstance(error, Denied) or (error is None and answered):
            connection.worked()
        if error is None:
            self._breaker(task).worked()
            return
        if isinstance(error, Busy | Interrupted):
            self._breaker(task).until = self.clock.monotonic() + _BUSY_AGAIN
        else:
            self._breaker(task).failed(error)
            if isinstance(error, Unavailable) and not task.check:  # for which nothing else may have to wait
                connection.failed(error)
        if task.check:
            self._check(task).wanted = True
        elif task.target:
            state.due.add(task.target)
        else:
            state.wanted = True

    @staticmethod
    def _tasks_of(state: FlowState) -> list[Task]:
        return [Task(state.flow.name), *(Task(state.flow.name, target.name) for target in state.flow.targets)]

    @staticmethod
    def _place(state: FlowState, task: Task) -> str:
        return task.target or state.flow.source.name


def _lane_now(seat: Seat, now: float) -> LaneNow:
    if seat.task is None:
        return LaneNow(seat.connection, seat.pace)
    seconds = round(now - seat.since, 1)
    return LaneNow(seat.connection, seat.pace, str(seat.task), seat.task.flow, seconds, *seat.progress)
