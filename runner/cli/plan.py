"""``obmen plan`` and ``obmen apply``: look before anything is written, then send exactly what was shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from obmen.errors import ConfigurationError
from obmen.sync import plan as plans
from obmen.sync.apply import Applier
from obmen.sync.plan import Line
from obmen.sync.readback import Mismatch
from runner.cli import reports
from runner.cli.session import Session, session
from runner.cli.summary import Summary
from runner.cli.sync import WAIT, Flows, Force, Json, Wait, reason_of, told
from runner.exit_codes import ExitCode
from runner.render import Column, Table, plural

ROWS = 20

Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Keep the plan in a file for apply.")
]
WithCode = Annotated[
    bool,
    typer.Option("--exit-code", metavar="", help="End with 10 if there is something to send, for scripts."),
]
Rows = Annotated[
    int, typer.Option("--rows", min=0, metavar="N", help="How many records to show of each flow and system.")
]
PlanFile = Annotated[Path, typer.Argument(metavar="FILE", help="A plan that 'obmen plan -o FILE' made.")]
Canary = Annotated[
    int | None,
    typer.Option("--canary", min=1, metavar="N", help="Send N records to each system, read them back, then the rest."),
]


def plan(
    context: typer.Context,
    flows: Flows = None,
    output: Output = None,
    exit_code: WithCode = False,
    rows: Rows = ROWS,
    json: Json = False,
) -> int:
    """Show what sync would send, field by field. Nothing is written.

    Values that are personal are masked. With -o the plan is kept, and 'obmen apply FILE' sends exactly it.
    """
    current = session(context)
    if output is not None and output.is_dir():
        raise ConfigurationError("This is a folder. Name the file that is to keep the plan.", where=str(output))
    with current.open() as opened, opened.progress() as listener:
        summary = Summary(opened.assembly.flows, rows)
        lines = plans.plan(opened.ledger, opened.assembly.flows, flows or (), listener)
        if output is not None:
            plans.save(output, summary.watching(lines))
        elif json:
            _stream(current, summary.watching(lines))
        else:
            for _ in summary.watching(lines):
                pass
    if json:
        _end(current, output, summary)
    else:
        summary.show(current.screen)
        _next(current, output, flows or (), summary)
    return _code(summary, exit_code)


def apply(
    context: typer.Context,
    file: PlanFile,
    canary: Canary = None,
    force: Force = None,
    wait: Wait = WAIT,
    json: Json = False,
) -> int:
    """Send exactly what a plan says.

    It is refused, and nothing is sent, if the source, the state or the project changed since.
    """
    current = session(context)
    reason = reason_of(force)
    mismatches: Sequence[Mismatch] = ()
    with current.open() as opened, opened.progress() as listener:
        applier = Applier(opened.ledger, opened.assembly.flows, file, listener=listener)
        if canary is None:
            done = applier.apply(patience=wait, force=reason)
        else:
            done, mismatches = applier.canary(canary, patience=wait, force=reason)
    if not mismatches:
        return told(current, done, json=json)
    if json:
        data = reports.as_data(done, current)
        current.screen.json({**data, "exit_code": int(ExitCode.STALE), "mismatches": list(map(_told, mismatches))})
    else:
        reports.show(current, done)
        _show_mismatches(current, mismatches)
    return ExitCode.STALE


def _stream(current: Session, lines: Iterator[Line]) -> None:
    """Print changes as they are found: a plan of a million needs no memory. Where none can be made, print nothing."""
    start = '{\n  "lines": [\n    '
    for line in lines:
        current.screen.raw(start + msgspec.json.encode(line).decode())
        start = "    ,"
    current.screen.raw("  ],")


def _end(current: Session, output: Path | None, summary: Summary) -> None:
    totals = msgspec.json.encode(summary.as_data()).decode()
    if output is None:
        current.screen.raw(f'  "summary": {totals}\n}}')
    else:
        current.screen.json({"file": str(output), "summary": summary.as_data()})


def _next(current: Session, output: Path | None, flows: Sequence[str], summary: Summary) -> None:
    names = "".join(f" {name}" for name in flows)
    if output is not None:
        current.screen.line(f"Kept in {output}. To send exactly this: obmen apply {output}")
    elif summary.to_send:
        current.screen.line(f"Nothing was written. To send it: obmen sync{names}")


def _code(summary: Summary, exit_code: bool) -> ExitCode:
    if summary.unread is not None:
        return summary.unread
    return ExitCode.CHANGES if exit_code and summary.to_send else ExitCode.DONE


def _show_mismatches(current: Session, mismatches: Sequence[Mismatch]) -> None:
    table = Table([Column("Record"), Column("Where"), Column("Field"), Column("Told"), Column("It shows")])
    for one in mismatches:
        for name, (told_value, shown) in one.fields.items():
            table.add(one.key, one.target, name, str(told_value), str(shown))
    current.screen.line()
    current.screen.table(table)
    current.screen.line(
        f"{plural(len(mismatches), 'record')} of the canary read back otherwise than sent, so the rest "
        'was not sent. Look there. The rest is held: obmen plan shows it, obmen sync --force "why" sends it.',
        "yellow",
    )


def _told(one: Mismatch) -> dict[str, Any]:
    fields = {name: [str(told_value), str(shown)] for name, (told_value, shown) in one.fields.items()}
    return {"flow": one.flow, "target": one.target, "key": one.key, "fields": fields}
