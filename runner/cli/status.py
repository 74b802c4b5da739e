"""``obmen status``: where the service and every flow stand, from what Obmen remembers; nobody is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import typer

from obmen.project import FlowSettings
from obmen.state import Ledger, backfills, outbox, quarantine, runs, seen
from obmen.state.backfills import Unfinished
from obmen.state.runs import Run
from runner.cli.remains import Known
from runner.cli.reports import STATUS_STYLES, STATUS_WORDS
from runner.cli.service_status import of_service
from runner.cli.session import session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.render import Cell, Column, Table, ago, clipped, iso, number, plural

_LONGEST = 160
_MODES = {"complete": "whole", "changes": "by changes", "since": "since the last"}


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where one flow stands; ``read_at`` is when its source was last read to the end, ``how`` in what way.

    ``past``: what a backfill has still to read.
    """

    flow: FlowSettings
    run: Run | None
    outbox: dict[str, int]
    quarantine: dict[str, int]
    read_at: float | None
    how: str
    past: Unfinished | None


def status(context: typer.Context, json: Json = False) -> int:
    """Show where every flow stands: its last run, what is still to be sent, what was set aside."""
    current = session(context)
    known = current.known()
    project = known.project
    with current.ledger(project) as ledger:
        standings = [_standing(ledger, flow) for flow in project.ordered_flows()]
        service = of_service(ledger, project)
        now = ledger.clock.now().timestamp()
    if json:
        flows = [{**_as_data(one, now), **service.of_flow(one.flow.name)} for one in standings]
        current.screen.json({**service.as_data(), "flows": flows, "wrong": known.wrong or None})
        return _code(known)
    for text, style in service.lines():
        current.screen.line(current.redact.secrets(text), style)
    current.screen.table(_table(standings, now))
    current.screen.line()
    if (compared := service.compared()) is not None:
        current.screen.table(compared)
        current.screen.line()
    for hint in _hints(standings, now) if standings or not known.wrong else ():
        current.screen.line(hint)
    return _code(known)


def _code(known: Known) -> ExitCode:
    """Whoever asks how things are is also told by the exit code that the project is wrong."""
    return ExitCode.MISTAKE if known.wrong else ExitCode.DONE


def _standing(ledger: Ledger, flow: FlowSettings) -> _Standing:
    with ledger.read() as tx:
        state = seen.checkpoint(tx, flow.name)
        return _Standing(
            flow,
            runs.last(tx, flow.name),
            outbox.counts(tx, flow.name),
            quarantine.counts(tx, flow.name),
            state.read_at,
            state.how,
            backfills.unfinished(tx).get(flow.name),
        )


def _as_data(one: _Standing, now: float) -> dict[str, Any]:
    run = one.run
    last = run and {
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
        "status": run.status,
        "counts": run.counts,
        "message": run.message,
    }
    return {
        "flow": one.flow.name,
        "entity": one.flow.entity,
        "from": one.flow.source,
        "to": list(one.flow.targets),
        "last_run": last,
        "read_at": iso(one.read_at),
        "read_how": one.how or None,
        "backfill": one.past and _past_as_data(one.past),
        "lag_seconds": round(now - one.read_at, 1) if one.read_at is not None else None,
        "outbox": one.outbox,
        "quarantine": one.quarantine,
    }


def _past_as_data(past: Unfinished) -> dict[str, Any]:
    left = [{"since": iso(one.since), "until": iso(one.until)} for one in past.left]
    times = {"asked_at": iso(past.since), "read_at": iso(past.moved_at)}
    return {**times, "share": round(past.share, 3), "left": left}


def _table(standings: list[_Standing], now: float) -> Table:
    table = Table(
        [
            Column("Flow"),
            Column("What"),
            Column("Last run"),
            Column("Result"),
            Column("Written", right=True),
            Column("To send", right=True),
            Column("Held", right=True),
            Column("Waiting", right=True),
            Column("Set aside", right=True),
            Column("Source read"),
        ]
    )
    for one in standings:
        flow, run, left = one.flow, one.run, one.outbox
        table.add(
            flow.name,
            f"{flow.entity}: {flow.source} → {', '.join(flow.targets) or 'nowhere'}",
            ago(run.started_at, now) if run else "",
            Cell(STATUS_WORDS[run.status], STATUS_STYLES.get(run.status, "")) if run else "never ran",
            number(run.counts.get("written", 0)) if run else "",
            number(sum(left.get(state, 0) for state in ("fresh", "pending", "sent", "accepted"))),
            number(left.get("held", 0)),
            number(left.get("waiting", 0) + one.quarantine.get("waiting", 0)),
            number(one.quarantine.get("open", 0) + one.quarantine.get("due", 0)),
            _read(one, now),
        )
    return table


def _read(one: _Standing, now: float) -> str:
    if one.read_at is None:
        return "never"
    mode, _, way = one.how.partition(": ")
    words = ", ".join(part for part in (_MODES.get(mode, ""), way) if part)
    return f"{ago(one.read_at, now)} ({words})" if words else ago(one.read_at, now)


def _hints(standings: list[_Standing], now: float) -> list[str]:
    hints = []
    if not standings:
        return ["The project has no flows yet. Add one under 'flows:' in the project."]
    if all(one.run is None for one in standings):
        hints.append("Nothing has run yet. Look first: obmen plan. Then: obmen sync")
    for one in standings:
        name = one.flow.name
        if one.run is not None and one.run.status == "failed":
            hints.append(f"{name}: the last run failed: {clipped(one.run.message, _LONGEST)}")
        if one.run is not None and one.run.status == "emptied":
            hints.append(f"{name}: {one.run.message}")
        if one.run is not None and one.run.status == "running":
            hints.append(f"{name}: a run is going on, or was cut off; the next one takes up what it left.")
        if one.past is not None:
            hints.append(
                f"{name}: a backfill asked for {ago(one.past.since, now)} has read {one.past.share:.0%} of its time, "
                f"last {ago(one.past.moved_at, now)}. Go on: obmen backfill {name} --resume"
            )
        if held := one.outbox.get("held", 0):
            hints.append(
                f"{name}: {plural(held, 'record')} held by a guard. See them: obmen plan {name}. "
                f'If they are right: obmen sync {name} --force "why"'
            )
        if due := one.quarantine.get("due", 0):
            hints.append(f"{name}: {plural(due, 'record')} to be tried again at the next run: obmen sync {name}")
    if any(one.quarantine.get("open") for one in standings):
        hints.append("Some records were set aside. Look at them: obmen quarantine list")
    return hints
