"""What a run did, told to people and to programs: the same words after ``sync``, ``apply`` and a replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from obmen.sync.passes import FlowReport
from runner.cli.session import Session
from runner.exit_codes import ExitCode, of_reports
from runner.render import Cell, Column, Screen, Table, number, plural

_MOST_REASONS = 5
STATUS_STYLES = {
    "done": "green",
    "partial": "cyan",
    "attention": "yellow",
    "emptied": "yellow",
    "held": "yellow",
    "paused": "yellow",
    "stopped": "yellow",
    "failed": "red",
}
STATUS_WORDS = {
    "done": "done",
    "partial": "not all yet",
    "attention": "see quarantine",
    "emptied": "source is empty",
    "held": "held by a guard",
    "paused": "paused by a person",
    "failed": "failed",
    "running": "running, or cut off",
    "stopped": "stopped half-way",
}


def as_data(reports: Sequence[FlowReport], session: Session) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {
        "exit_code": int(of_reports(reports)),
        "flows": [
            {
                "flow": report.flow,
                "status": report.status,
                "read": dict(report.read),
                "sent": {target: dict(counts) for target, counts in report.sent.items()},
                "written": report.written,
                "held": report.held,
                "released": report.released,
                "outbox": report.outbox,
                "quarantine": report.quarantine,
                "trouble": [
                    {"kind": type(error).__name__, "message": session.redact.secrets(str(error))}
                    for error in report.trouble
                ],
                "warnings": report.warnings,
                "paused": report.paused,
            }
            for report in reports
        ],
    }


def show(session: Session, reports: Sequence[FlowReport]) -> ExitCode:
    """Print what a run did and what to do next; return the exit code."""
    screen = session.screen
    screen.table(_table(reports))
    screen.line()
    screen.line(_sum(reports))
    for message, flows in _troubles(session, reports).items():
        _attention(screen, f"{', '.join(flows)}: {message}")
    for report in reports:
        for warning in report.warnings:
            _attention(screen, f"{report.flow}: {warning}")
        for sentence in report.paused:
            _attention(screen, f"{report.flow}: {sentence}")
        if left_out := report.read["elsewhere"]:
            screen.line(f"{report.flow}: {plural(left_out, 'record')} left out by `where:`, or of other channels.")
        _explain(screen, report)
    if any(report.quarantine.get("open") for report in reports):
        screen.line("Look at what was set aside: obmen quarantine list")
    return of_reports(reports)


def _table(reports: Sequence[FlowReport]) -> Table:
    columns = [Column("Flow"), *(Column(name, right=True) for name in ("Read", "Changed", "Written"))]
    columns += [Column(name, right=True) for name in ("Set aside", "Held", "Waiting", "Under way")]
    table = Table([*columns, Column("Result")])
    for report in reports:
        left = report.outbox
        under_way = sum(left.get(state, 0) for state in ("pending", "sent", "accepted", "fresh"))
        table.add(
            report.flow,
            number(report.read["read"]),
            number(report.read["decided"]),
            number(report.written),
            _alarm(sum(report.quarantine.get(state, 0) for state in ("open", "due"))),
            _alarm(left.get("held", 0)),
            number(left.get("waiting", 0) + report.quarantine.get("waiting", 0)),
            number(under_way),
            Cell(STATUS_WORDS[report.status], STATUS_STYLES[report.status]),
        )
    return table


def _attention(screen: Screen, text: str) -> None:
    screen.line(text, "yellow")


def _alarm(count: int) -> Cell:
    return Cell(number(count), "yellow" if count else "")


def _sum(reports: Sequence[FlowReport]) -> str:
    written = sum(report.written for report in reports)
    if written:
        return f"{plural(written, 'record')} written."
    if any(one.outbox or one.trouble or one.warnings or one.paused or one.quarantine for one in reports):
        return "Nothing was written."
    return "Nothing was written: everything is in agreement."


def _troubles(session: Session, reports: Sequence[FlowReport]) -> dict[str, list[str]]:
    """Return message → the flows that it stopped: one cause is told once."""
    found: dict[str, list[str]] = {}
    for report in reports:
        for error in report.trouble:
            found.setdefault(session.redact.secrets(str(error)), []).append(report.flow)
    return found


def _explain(screen: Screen, report: FlowReport) -> None:
    if report.released:
        screen.line(f"{report.flow}: {plural(report.released, 'held record')} let go, as you said.")
    reasons = [reason for of_target in report.held.values() for reason in of_target.values()]
    for reason in list(dict.fromkeys(reasons))[:_MOST_REASONS]:
        _attention(screen, f"{report.flow}: held: {reason}.")
    if held := report.outbox.get("held", 0):
        _attention(
            screen,
            f"{report.flow}: {plural(held, 'record')} held by a guard. See them: obmen plan {report.flow}. "
            f'If they are right: obmen sync {report.flow} --force "why".',
        )
    if accepted := report.outbox.get("accepted", 0):
        screen.line(f"{report.flow}: {plural(accepted, 'record')} being worked on there; the next run asks.")
    unsent = sum(report.outbox.get(state, 0) for state in ("pending", "sent"))
    if unsent and not report.trouble and not report.paused:
        screen.line(f"{report.flow}: {plural(unsent, 'record')} not told yet; the next run goes on with them.")
