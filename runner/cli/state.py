"""``obmen state``: where Obmen remembers: look at it, keep a copy of it, carry it to another database."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from obmen.project import Project
from obmen.project.load import state_url
from obmen.state import Ledger, carry, moves, tables
from obmen.state.trouble import shown
from runner.cli import copies
from runner.cli.session import session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.observe import integrity
from runner.observe.examine import Finding
from runner.progress import progress
from runner.render import Column, Table, iso, number, plural, span

app = typer.Typer(no_args_is_help=True, help="Where Obmen remembers: look at it, copy it, carry it elsewhere.")
_STYLES = {"ok": "green", "warning": "yellow", "problem": "red"}
_SCHEMA = sa.text("SELECT version_num FROM alembic_version")

To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="URL",
        help="An empty database: postgresql+psycopg://user@host/name, or sqlite:///path from the project's folder.",
    ),
]
Cancel = Annotated[
    bool, typer.Option("--cancel", metavar="", help="Give up a move that was cut off: the state stays where it is.")
]


@app.command()
def migrate(context: typer.Context, to: To, cancel: Cancel = False) -> int:
    """Carry the state to another database, such as from SQLite to PostgreSQL.

    Nothing may run meanwhile. If it is cut off, the same command goes on where it was. In the end the copy is compared
    with the original, which from then on can no longer be used by mistake.
    """
    current = session(context)
    project = current.load()
    url = state_url(to, project.folder)
    source = _opened(project)
    try:
        with progress(current.screen) as listener, carry.Carrier(source, url, on_rows=listener.reading) as carrier:
            if cancel:
                carrier.cancel()
                current.screen.line(f"The state stays in {shown(project.state_url)}. What was copied can be deleted.")
                return ExitCode.DONE
            rows = carrier.carry()
    finally:
        source.close()
    current.screen.line(f"Carried {plural(rows, 'row')} to {shown(url)}, and compared them.")
    current.screen.line(f"Now write that address, with its password, as 'state:' in {project.file}.")
    return ExitCode.DONE


@app.command()
def show(context: typer.Context, json: Json = False) -> int:
    """Show where the state is, what it holds, and who is at work on it."""
    current = session(context)
    project = current.load()
    ledger = _opened(project)
    try:
        found = carry.sizes(ledger)
        with ledger.read() as tx:
            version = tx.rows(_SCHEMA)[0][0]
            held = [row for row in tx.rows(sa.select(tables.lease)) if row.expires_at > tx.now]
            move, now = moves.found(tx.connection), tx.now
    finally:
        ledger.close()
    if json:
        current.screen.json(
            {
                "state": shown(project.state_url),
                "schema": version,
                "moved_to": move.place if move is not None and move.stage == "left" else None,
                "tables": {one.name: {"rows": one.rows, "bytes": one.bytes} for one in found},
                "leases": [{"name": row.name, "owner": row.owner, "until": iso(row.expires_at)} for row in held],
            }
        )
        return ExitCode.DONE
    current.screen.line(f"{shown(project.state_url)}, schema {version}{_file_size(project)}")
    if move is not None and move.stage != "arrived":
        words = {"left": "It has moved to", "leaving": "It is on its way to", "arriving": "An unfinished copy of"}
        current.screen.line(f"{words[move.stage]} {move.place}.")
    current.screen.line()
    table = Table([Column("Table"), Column("Rows", right=True), Column("MiB", right=True)])
    for one in found:
        table.add(one.name, number(one.rows), f"{one.bytes / (1 << 20):.1f}" if one.bytes is not None else "")
    current.screen.table(table)
    for row in held:
        current.screen.line(f"{row.name}: being run by {row.owner}, for {span(row.expires_at - now)} more")
    return ExitCode.DONE


@app.command()
def check(context: typer.Context, json: Json = False) -> int:
    """Examine the state: every page of it, its schema, and what was left by flows that are no more.

    Nothing is written, and everything may go on meanwhile. Each finding says what to do next.
    """
    current = session(context)
    project = current.load()
    found: list[Finding] = []
    for one in integrity.state(project):
        found.append(one)
        if not json:
            current.screen.line(f"{one.level:<9}{one.about}: {one.message}", _STYLES[one.level])
    if json:
        current.screen.json({"findings": [asdict(one) for one in found]})
    problems = {one.about for one in found if one.level == "problem"}
    if "state" in problems:
        return ExitCode.STATE
    return ExitCode.ATTENTION if problems else ExitCode.DONE


app.command()(copies.backup)
app.command("restore")(copies.put_back)
app.command()(copies.compact)


def _opened(project: Project) -> Ledger:
    project.make_state_folder()
    return Ledger(project.state_url, moving=True)


def _file_size(project: Project) -> str:
    path = sa.make_url(project.state_url).database
    if not project.state_url.startswith("sqlite") or path is None:
        return ""
    return f", {Path(path).stat().st_size / (1 << 20):.1f} MiB"
