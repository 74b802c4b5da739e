"""``obmen backfill``: the records of a period of the past, read once and sent like any others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from obmen.errors import ConfigurationError
from obmen.periods import Period
from obmen.state import Ledger
from obmen.sync import plan as plans
from obmen.sync.backfill import Backfill
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from obmen.sync.passes import FlowReport, Listener, Pass
from runner.cli import reports
from runner.cli.session import Open, Session, session
from runner.cli.summary import Summary
from runner.cli.sync import WAIT, Json, Wait
from runner.exit_codes import ExitCode, of_reports, severest
from runner.render import Screen, plural

ROWS = 20

FlowName = Annotated[str, typer.Argument(metavar="FLOW", help="The flow, by its name.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="DATE", help="Its first day or moment, such as 2026-01-31 or 2026-01-31T12:00."),
]
To = Annotated[str | None, typer.Option("--to", metavar="DATE", help="The day or moment before which it ends.")]
Resume = Annotated[bool, typer.Option("--resume", metavar="", help="Go on with what was asked for and is not read.")]
Again = Annotated[bool, typer.Option("--again", metavar="", help="Read also what was read by a backfill before.")]
DryRun = Annotated[bool, typer.Option("--dry-run", metavar="", help="Read it and show what would be sent.")]


def backfill(
    context: typer.Context,
    flow: FlowName,
    since: From = None,
    until: To = None,
    resume: Resume = False,
    again: Again = False,
    dry_run: DryRun = False,
    wait: Wait = WAIT,
    json: Json = False,
) -> int:
    """Read a period of the past once and send what is not there yet.

    The usual reads go on as if nothing were. What was read is not read again, and what was cut off goes on with
    --resume, or with the next period.
    """
    current = session(context)
    if resume == bool(since or until) or (not resume and not (since and until)):
        raise ConfigurationError("Say the period by --from and --to, or --resume for what is left of an earlier one.")
    if again and resume:
        raise ConfigurationError("--again is for a period: give --from and --to.")
    with current.open() as opened:
        (chosen,) = Engine(opened.ledger, opened.assembly.flows).choose([flow])
        zone = opened.assembly.zone(chosen.source.name)
        asked = None if since is None or until is None else _period(since, until, zone)
        told = _Told(current, zone, json=json)
        with opened.progress() as listener:
            work = _Work(opened, chosen, listener, asked, again, told.note)
            if dry_run:
                with opened.ledger.rehearsal() as scratch:
                    past = work.read(scratch)
                    summary = Summary([chosen], ROWS)
                    for _ in summary.watching(plans.of_flow(scratch, chosen, past.work.report, past.work.run)):
                        pass
            else:
                past = work.read(opened.ledger)
                past.deliver(work.engine(opened.ledger), wait)
        return told.rehearsed(past, summary) if dry_run else told.done(past)


class _Work:
    """What is to be done, on the ledger or in a rehearsal of it."""

    def __init__(
        self,
        opened: Open,
        flow: Flow,
        listener: Listener,
        asked: Period | None,
        again: bool,
        on_note: Callable[[str], None],
    ) -> None:
        self._opened, self._flow, self._listener = opened, flow, listener
        self._asked, self._again, self._on_note = asked, again, on_note

    def read(self, ledger: Ledger) -> Backfill:
        """Read what is asked for."""
        name = self._flow.name
        past = Backfill(
            ledger,
            Pass(self._flow),
            beside=lambda: self._opened.assembly.beside(self._flow.source.name),
            on_read=lambda done, total: self._listener.reading(name, done, total),
            on_note=self._on_note,
        )
        if self._asked is not None:
            past.ask(self._asked, again=self._again)
        past.read()
        return past

    def engine(self, ledger: Ledger) -> Engine:
        """Return what delivers it."""
        return Engine(ledger, self._opened.assembly.flows, listener=self._listener)


class _Told:
    """Tells a person or a program what became of it."""

    def __init__(self, current: Session, zone: ZoneInfo, *, json: bool) -> None:
        self._session, self._zone, self._json = current, zone, json

    @property
    def _screen(self) -> Screen:
        return self._session.screen

    def note(self, text: str) -> None:
        """Say what a person should know meanwhile."""
        self._screen.note(text)

    def done(self, past: Backfill) -> int:
        """Tell what was done and what is left."""
        report, left = past.work.report, past.left()
        if self._json:
            self._screen.json({**reports.as_data([report], self._session), "left": self._as_data(left)})
            return self._code(report)
        if past.idle and not report.trouble and not report.paused:
            self._screen.line(f"Nothing is left to be read of {report.flow}. To read once more: --again.")
        reports.show(self._session, [report])
        if left:
            self._screen.line(f"Left to be read: {self._named(left)}. Go on: obmen backfill {report.flow} --resume")
        return self._code(report)

    @staticmethod
    def _code(report: FlowReport) -> ExitCode:
        """Return the code; a past that was asked for and is paused asks for somebody, as a usual run does not."""
        return severest({of_reports([report]), ExitCode.ATTENTION if report.paused else ExitCode.DONE})

    def rehearsed(self, past: Backfill, summary: Summary) -> int:
        """Tell what would be done."""
        report = past.work.report
        read = {name: report.read[name] for name in ("read", "unchanged", "refused")}
        if self._json:
            code = of_reports([report])
            self._screen.json({"exit_code": int(code), "flow": report.flow, "read": read, "summary": summary.as_data()})
            return code
        summary.flow_names = (report.flow,)
        summary.show(self._screen)
        counts = f"{read['unchanged']} known as they are, {read['refused']} would be set aside"
        self._screen.line(f"{plural(read['read'], 'record')} read: {counts}. Nothing was written.")
        return summary.unread or ExitCode.DONE

    def _named(self, periods: Sequence[Period]) -> str:
        return ", ".join(" – ".join(_shown(at, self._zone) for at in one) for one in periods)

    def _as_data(self, periods: Sequence[Period]) -> list[dict[str, Any]]:
        return [
            {name: datetime.fromtimestamp(at, UTC).isoformat() for name, at in one._asdict().items()} for one in periods
        ]


def _period(since: str, until: str, zone: ZoneInfo) -> Period:
    """Return the period that two words name; days begin as they do in the zone. Raises ConfigurationError."""
    period = Period(_moment(since, "--from", zone), _moment(until, "--to", zone))
    if period.until <= period.since:
        message = f"--from {since} is not before --to {until}. The period ends before --to: for one day, say the next."
        raise ConfigurationError(message)
    return period


def _moment(text: str, option: str, zone: ZoneInfo) -> float:
    try:
        at = datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            message = f"{option} {text} is no date. Write it like 2026-01-31, or 2026-01-31T12:00."
            raise ConfigurationError(message) from None
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).replace(microsecond=0).timestamp()


def _shown(at: float, zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(at, zone)
    return moment.date().isoformat() if moment.time() == time() else moment.isoformat(timespec="minutes")
