"""``obmen undo``: what a run wrote goes back, except what has changed since, which is listed."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from obmen.errors import ConfigurationError
from obmen.state import Ledger, runs
from obmen.state.runs import Run
from obmen.sync import undo as undoing
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from obmen.sync.passes import Pass
from obmen.sync.undo import DONE, LEFT, Line, Undo, Undone
from runner import undoing as noting
from runner.cli import reports
from runner.cli.entities import who
from runner.cli.session import Open, Session, session
from runner.cli.summary import shown_value
from runner.cli.sync import WAIT, Json, Wait
from runner.exit_codes import ExitCode, of_reports, severest
from runner.render import Column, Screen, Table, clipped, plural

ROWS = 20
_VALUE = 48
_WORDS = {
    "back": "back to what they were",
    "archived": "archived, since the run created them",
    "zeroed": "set to 0, since the run created them",
    "same": "as before the run already",
    "under_way": "on their way back already",
    "changed": "left alone, since they have changed since",
    "queued": "left alone, since something newer is on its way",
    "sold": "left alone, since buyers took them",
    "no_way": "cannot be taken back",
}

Number = Annotated[int, typer.Argument(min=1, max=2**63 - 1, metavar="RUN", help="The run's number.")]
Dry = Annotated[bool, typer.Option("--dry-run", metavar="", help="Show what would go back; nothing is written.")]
Why = Annotated[str, typer.Option("--reason", metavar="WHY", help="Kept with the run that undoes.")]
Rows = Annotated[int, typer.Option("--rows", min=0, metavar="N", help="How many records to show of each kind.")]


def undo(
    context: typer.Context,
    run: Number,
    dry: Dry = False,
    reason: Why = "",
    rows: Rows = ROWS,
    wait: Wait = WAIT,
    json: Json = False,
) -> int:
    """Take back what a run wrote of prices, stock and products.

    What has changed since is left alone and listed. A record that went back stays so until its source changes.
    """
    current = session(context)
    why = " ".join(reason.split())
    told = _Stream(current.screen) if json else _Examples(rows)
    with current.open() as opened, opened.progress() as listener:
        asked, flow = _asked(opened, run)
        done = Undo(opened.ledger, flow, run, on_line=told, on_note=current.screen.note)
        engine = Engine(opened.ledger, opened.assembly.flows, listener=listener)
        work = Pass(flow, undoing.KIND)
        if dry:
            done.look()
        else:
            _carry_out(opened.ledger, engine, work, done, why, wait)
    code = _code(done.result, work)
    if isinstance(told, _Stream):
        data = reports.as_data([work.report], current)["flows"][0]
        told.end(_as_data(asked, done.result, code, None if dry else data))
    else:
        _show(current, asked, flow, done.result, told, None if dry else work)
    return code


def _carry_out(ledger: Ledger, engine: Engine, work: Pass, done: Undo, why: str, wait: float) -> None:
    noting.begin(ledger, work, done, who(), why)
    try:
        done.put()
    finally:
        engine.finish(work, wait, only=done.mine)


def _asked(opened: Open, run: int) -> tuple[Run, Flow]:
    with opened.ledger.read() as tx:
        asked = runs.get(tx, run)
    if asked is None:
        raise ConfigurationError(f"There is no run {run}, or it is so old that it was forgotten.")
    flow = next((one for one in opened.assembly.flows if one.name == asked.flow), None)
    if flow is None:
        message = f"Run {run} was one of the flow '{asked.flow}', which the project has no more, so nobody can undo it."
        raise ConfigurationError(message)
    return asked, flow


class _Stream:
    """Prints every record as it is judged: a million of them need no memory."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._start = screen, '{\n  "records": [\n    '

    def __call__(self, line: Line) -> None:
        self._screen.raw(self._start + msgspec.json.encode(line).decode())
        self._start = "    ,"

    def end(self, data: dict[str, Any]) -> None:
        """Print the sums."""
        if self._start != "    ,":
            self._screen.raw('{\n  "records": [')
        self._screen.raw(f'  ],\n  "summary": {msgspec.json.encode(data).decode()}\n}}')


class _Examples:
    """Keeps the first records that go back, and the first that are left alone."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self.back: list[Line] = []
        self.left: list[Line] = []

    def __call__(self, line: Line) -> None:
        kept = self.back if line.verdict in DONE else self.left if line.verdict in LEFT else None
        if kept is not None and len(kept) < self._rows:
            kept.append(line)


def _code(done: Undone, work: Pass) -> ExitCode:
    left = ExitCode.ATTENTION if done.left or done.flying else ExitCode.DONE
    return severest({left, of_reports([work.report])})


def _as_data(asked: Run, done: Undone, code: ExitCode, report: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "exit_code": int(code),
        "run": asked.id,
        "flow": asked.flow,
        "targets": {target: dict(counts) for target, counts in done.counts.items()},
        "back": done.done,
        "left": done.left,
        "not_sent": done.unsent,
        "on_their_way": done.flying,
        "undone_by": report,
    }


def _show(current: Session, asked: Run, flow: Flow, done: Undone, told: _Examples, work: Pass | None) -> None:
    screen = current.screen
    for target, counts in done.counts.items():
        screen.line(f"Run {asked.id} of {asked.flow}, {flow.entity.entity} in {target}:", "bold")
        for verdict, words in _WORDS.items():
            if counts[verdict]:
                screen.line(f"  {plural(counts[verdict], 'record')} {words}", "yellow" if verdict in LEFT else "")
    if told.back:
        why = any(line.why for line in told.back)
        screen.table(_table(told.back, "Will be" if work is None else "Goes back to", why=why))
    if told.left:
        screen.line("Left alone:", "yellow")
        screen.table(_table(told.left, "The run wrote", why=True))
    if done.left > len(told.left) > 0:
        screen.line(f"… and {plural(done.left - len(told.left), 'record')} more. All of them: --json")
    _show_rest(screen, asked, done, sent=work is not None)
    if work is not None and (done.done or work.report.outbox):
        screen.line()
        reports.show(current, [work.report])
    if done.done:
        source = f"{flow.source.name} {flow.entity.entity}"
        screen.line("What goes back stays so until its source changes or is read anew. If the source is wrong:")
        screen.line(f'  obmen pause {source} read --reason "why"')
    if work is None and done.done:
        screen.line(f"Nothing was written. To do it: obmen undo {asked.id}")


def _show_rest(screen: Screen, asked: Run, done: Undone, *, sent: bool) -> None:
    if done.unsent:
        verb = "is" if sent else "would be"
        screen.line(f"{plural(done.unsent, 'record')} that the run had not sent yet: no more {verb} sent.")
    if done.flying:
        screen.line(
            f"{plural(done.flying, 'record')} of the run on the way, which cannot be called back. Once they have "
            f"landed, undo the run of {asked.flow} that they landed in.",
            "yellow",
        )
    if not (done.counts or done.unsent or done.flying):
        screen.line(f"Run {asked.id} of {asked.flow} wrote nothing that is known, so there is nothing to take back.")


def _table(lines: list[Line], last: str, *, why: bool = False) -> Table:
    columns = [Column("Record"), Column("Where"), Column("Field"), Column("Now"), Column(last)]
    table = Table([*columns, Column("Why")] if why else columns)
    for line in lines:
        start, reason = [line.key, line.target], line.why
        for name, (now, then) in line.fields.items() or [("", (None, None))]:
            values = (clipped(shown_value(value), _VALUE) for value in (now, then))
            table.add(*start, name, *values, *([reason] if why else []))
            start, reason = ["", ""], ""
    return table
