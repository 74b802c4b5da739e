"""What is wrong at one moment: rules over a snapshot, pure, so that each can be tried without waiting for it.

One cause makes one trouble. What only follows from another (a flow that is late because its source does not answer)
names that one, and nobody is told of it as long as the other lasts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from obmen.project.alerts import RulesModel, SilenceModel
from runner.daemon.pulse import LaneNow
from runner.observe.late import within
from runner.observe.snapshot import FlowNow, Snapshot

Level = Literal["warning", "critical"]
Value = str | int | float
DOWN_LONG = 1800.0
"""Seconds after which a connection that does not answer becomes critical."""
VERY_LATE = 3.0
"""A flow that is so many times older than it may be is critical."""
ENDS_SOON = 2 * 86400.0
"""Seconds before a key's end from which on it is critical."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Trouble:
    """One of them. ``name`` is the same as long as it is the same trouble; ``values`` fill the rule's sentence.

    ``grows``: seconds after which it becomes critical by itself. ``because``: names of troubles that explain it.
    """

    name: str
    rule: str
    subject: str
    level: Level = "warning"
    values: Mapping[str, Value] = field(default_factory=dict)
    grows: float | None = None
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsent:
    """What a target should have been told long ago: the ``age`` of the oldest, in seconds, where ``limit`` is allowed.

    ``words``: why not, as far as the target or the way to it says.
    """

    target: str
    age: float
    limit: float
    count: int
    words: str


def evaluate(now: Snapshot) -> dict[str, Trouble]:
    """Return name → trouble, for everything that the project's rules call one."""
    rules = now.project.alerts.rules
    found: dict[str, Trouble] = {}
    for judge in (_connections, _keys, _project, _flows, _silences, _deadlines):
        for trouble in judge(now, rules):
            found[trouble.name] = trouble
    return found


def _connections(now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    if rules.denied:
        for connection, words in denied(now).items():
            values = {"connection": connection, "words": words}
            yield Trouble(f"denied|{connection}", "denied", connection, "critical", values)
    if rules.down:
        for connection, (_, words) in now.down().items():
            values = {"connection": connection, "words": words}
            yield Trouble(f"down|{connection}", "down", connection, "warning", values, grows=DOWN_LONG)


def denied(now: Snapshot) -> dict[str, str]:
    """Return connection → words for keys that were refused to a flow; what was refused has not been answered since."""
    fails = [(connection, one) for flow in now.flows for connection, one in flow.failing.items()]
    return {connection: one.words for connection, one in fails if one.denied}


def _keys(now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    if rules.expires is None:
        return
    for name, ends in now.keys.items():
        left = ends.timestamp() - now.at
        if left <= rules.expires.total_seconds():
            level: Level = "critical" if left <= ENDS_SOON else "warning"
            values: dict[str, Value] = {"connection": name, "left": max(left, 0.0), "at": now.at + left}
            yield Trouble(f"expires|{name}", "expires", name, level, values)


def _project(now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    if rules.project and now.beats and now.pulse is not None and now.pulse.refused:
        yield Trouble("project|", "project", "", "warning", {"words": now.pulse.refused})


def _flows(now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    for one in now.flows:
        for judge in (_failed, _late, _held, _emptied, _unsent, _quarantine, _promotions):
            yield from judge(one, now, rules)


def _failed(one: FlowNow, _now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    if rules.failed is None or one.failures < rules.failed:
        return
    name, (connection, worst) = one.flow.name, next(iter(one.stuck.items()))
    values: dict[str, Value] = {"flow": name, "connection": connection, "times": worst.times, "words": worst.words}
    because = _roots(one.flow.source, *one.flow.targets)
    yield Trouble(f"failed|{name}", "failed", name, "warning", values, because=because)


def _late(one: FlowNow, now: Snapshot, _rules: RulesModel) -> Iterator[Trouble]:
    if one.age is None or one.age.limit is None or not one.late:
        return
    name, source = one.flow.name, one.flow.source
    level: Level = "critical" if one.age.seconds > VERY_LATE * one.age.limit else "warning"
    values: dict[str, Value] = {"flow": name, "connection": source, "age": one.age.seconds, "words": _said(one, now)}
    lane = _busy(one, now)
    if lane is not None and not values["words"]:
        values["busy"] = lane.seconds
    yield Trouble(f"late|{name}", "late", name, level, values, because=(*_roots(source), f"failed|{name}"))


def _held(one: FlowNow, _now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    if rules.held and one.held:
        name = one.flow.name
        values: dict[str, Value] = {
            "flow": name,
            "count": sum(held.count for held in one.held),
            "words": one.held[0].reason,
        }
        yield Trouble(f"held|{name}", "held", name, "warning", values)


def _emptied(one: FlowNow, _now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    run, name = next((run for run in one.ended if run.kind == "sync"), None), one.flow.name
    if rules.emptied and run is not None and run.status == "emptied":
        values = {"flow": name, "connection": one.flow.source, "words": run.message}
        yield Trouble(f"emptied|{name}", "emptied", name, "warning", values)


def _unsent(one: FlowNow, now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    for unsent in overdue(one, now, rules):
        values: dict[str, Value] = {
            "flow": one.flow.name,
            "entity": one.flow.entity,
            "connection": unsent.target,
            "age": unsent.age,
            "count": unsent.count,
            "words": unsent.words,
        }
        name, subject = f"unsent|{one.flow.name}|{unsent.target}", f"{one.flow.name} → {unsent.target}"
        because = (*_roots(unsent.target), f"failed|{one.flow.name}", f"held|{one.flow.name}")
        yield Trouble(name, "unsent", subject, "warning", values, because=because)


def overdue(one: FlowNow, now: Snapshot, rules: RulesModel) -> Iterator[Unsent]:
    """Yield the targets of a flow that something has been on its way to for longer than it may be."""
    longest = rules.may_be_unsent(one.flow.entity)
    if longest is None:
        return
    for target in one.flow.targets:
        if one.unread or one.unsent(target):
            continue
        waits = [one.oldest[target]] if target in one.oldest else []
        if one.flow.entity == "order":
            waits += [group.first_at for group in one.aside if group.connection in (target, one.flow.source)]
        age, limit = now.at - min(waits, default=now.at), longest.total_seconds()
        if age > limit:
            words = one.failing[target].words if target in one.failing else ""
            yield Unsent(target, age, limit, _waiting(one, target), words)


def _waiting(one: FlowNow, target: str) -> int:
    count = sum(many for (place, _), many in one.outbox.items() if place == target)
    if one.flow.entity == "order":
        count += sum(group.count for group in one.aside if group.connection in (target, one.flow.source))
    return count


def _quarantine(one: FlowNow, _now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    if rules.quarantine is None:
        return
    for group in one.aside:
        if group.state != "open" or group.count < rules.quarantine:
            continue
        cause = f"{group.flow}|{group.connection}|{group.stage}|{group.code}"
        values: dict[str, Value] = {
            "flow": group.flow,
            "connection": group.connection,
            "count": group.count,
            "code": group.code,
            "words": group.message,
            "example": group.key or group.source,
        }
        yield Trouble(f"quarantine|{cause}", "quarantine", group.flow, "warning", values)


def _promotions(one: FlowNow, _now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    """One promotion is one trouble, however many prices it changes."""
    for target, found in one.compared.items() if rules.promotion else ():
        for promotion, changed in found.promotions.items():
            key, example = next(iter(changed.items()))
            values: dict[str, Value] = {
                "flow": one.flow.name,
                "connection": target,
                "promotion": promotion,
                "count": len(changed),
                "example": key,
                "told": example.told,
                "live": example.live,
            }
            yield Trouble(f"promotion|{one.flow.name}|{target}|{promotion}", "promotion", target, "warning", values)


def _silences(now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    for rule, last in zip(rules.silence, now.happened, strict=False):
        silent = _silent(rule, last, now)
        if silent is None or any(one.covers(rule.connection, rule.entity, "read") for one in now.stops):
            continue
        flows = [
            one.flow.name for one in now.flows if (one.flow.entity, one.flow.source) == (rule.entity, rule.connection)
        ]
        because = (*_roots(rule.connection), *(f"late|{flow}" for flow in flows), *(f"failed|{flow}" for flow in flows))
        values: dict[str, Value] = {"connection": rule.connection, "entity": rule.entity, "age": silent}
        name = f"silence|{rule.entity}|{rule.connection}"
        yield Trouble(name, "silence", rule.connection, "warning", values, because=because)


def _silent(rule: SilenceModel, last: float | None, now: Snapshot) -> float | None:
    """Return for how many seconds within its hours nothing has happened, if that is too long.

    What has never happened is missed by nobody.
    """
    if last is None:
        return None
    seconds = within((rule.hours,), now.zone, last, now.at)
    return seconds if seconds >= rule.longest.total_seconds() else None


def _deadlines(now: Snapshot, rules: RulesModel) -> Iterator[Trouble]:
    for due in now.due:
        left = due.ship_by - now.at
        if left > rules.deadline.warning.total_seconds():
            continue
        level: Level = "critical" if left <= rules.deadline.critical.total_seconds() else "warning"
        shown = ", ".join(due.numbers[:_SHOWN]) + (" …" if len(due.numbers) > _SHOWN else "")
        values: dict[str, Value] = {
            "connection": due.connection,
            "count": len(due.numbers),
            "at": due.ship_by,
            "left": left,
            "numbers": shown,
        }
        name = f"deadline|{due.connection}|{due.bucket}"
        yield Trouble(name, "deadline", due.connection, level, values)


def why_late(one: FlowNow, now: Snapshot) -> str:
    """Say why a flow is late, as far as is known; the words are those of the run or of the connection."""
    if not now.beats:
        return "The service does not run."
    said, lane = _said(one, now), _busy(one, now)
    if said or lane is None:
        return said
    done = f"{lane.done} of {lane.total}" if lane.total is not None else str(lane.done)
    return f"{lane.connection} is at work: {lane.task} for {lane.seconds:.0f} s, {done} records done."


def _said(one: FlowNow, now: Snapshot) -> str:
    if now.pulse is not None and now.beats and now.pulse.clock:
        return now.pulse.clock
    down = now.down().get(one.flow.source)
    if down is not None:
        return down[1]
    return one.failing[one.flow.source].words if one.flow.source in one.failing else ""


def _busy(one: FlowNow, now: Snapshot) -> LaneNow | None:
    """Return the lane that is at work for the flow, or else for its source."""
    lanes = [lane for lane in now.pulse.lanes if lane.task] if now.pulse is not None and now.beats else []
    mine = [lane for lane in lanes if lane.flow == one.flow.name]
    return next((lane for lane in (*mine, *lanes) if lane in mine or lane.connection == one.flow.source), None)


def _roots(*connections: str) -> tuple[str, ...]:
    return tuple(f"{rule}|{name}" for name in connections for rule in ("denied", "down"))
