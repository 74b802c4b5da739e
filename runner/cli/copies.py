"""``obmen state backup``, ``restore`` and ``compact``: a copy of the state, the way back from it, and its size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from obmen.clock import SystemClock
from obmen.errors import ConfigurationError
from obmen.state import Ledger, copies, restore, retention
from obmen.state.trouble import explained, shown
from runner.cli.session import session
from runner.exit_codes import ExitCode
from runner.render import iso, number

Target = Annotated[Path, typer.Argument(metavar="FILE", help="The copy; it must not exist yet.")]
Copy = Annotated[Path | None, typer.Argument(metavar="FILE", help="A copy that obmen state backup made.")]
Done = Annotated[
    bool,
    typer.Option(
        "--done", metavar="", help="The database was restored by its own tool, such as pg_restore: only note that."
    ),
]
_WHO = "command line"
_AFTER = (
    "What was sent since the copy looks unsent. So every flow is read whole anew, absolute values are said again,",
    "and what would be created is looked for first. Next: obmen sync, then obmen reconcile.",
)


def backup(context: typer.Context, file: Target) -> int:
    """Copy the state into a file while everything goes on. For SQLite; PostgreSQL has pg_dump."""
    current = session(context)
    project = current.load()
    url = sa.make_url(project.state_url)
    if url.get_backend_name() != "sqlite":
        message = (
            f"The state is in {shown(project.state_url)}, which its own tool backs up: "
            f"pg_dump --format=custom --file={file} --dbname='{_address(url)}'. It, too, stops nothing."
        )
        raise ConfigurationError(message)
    if file.exists():
        raise ConfigurationError(f"{file} exists, and is not overwritten. Name a new file.")
    project.make_state_folder()
    ledger = Ledger(project.state_url, moving=True)
    try:
        with explained(project.state_url):
            copies.make(ledger, file)
    finally:
        ledger.close()
    current.screen.line(f"{file}: {file.stat().st_size / (1 << 20):.1f} MiB, whole and readable.")
    return ExitCode.DONE


def put_back(context: typer.Context, file: Copy = None, done: Done = False) -> int:
    """Put the state back from a copy. Nothing may run meanwhile, and what stood there is kept beside it.

    The copy is examined first, and brought to the newest schema. For SQLite; PostgreSQL has pg_restore, after which
    --done is to be said.
    """
    current = session(context)
    project = current.load()
    url = sa.make_url(project.state_url)
    if done == (file is not None):
        raise ConfigurationError("Name the copy to restore, or say --done after another tool restored the state.")
    if file is None:
        _note(project.state_url)
        current.screen.line(f"{shown(project.state_url)}: noted that it was restored.")
    else:
        if url.get_backend_name() != "sqlite" or url.database is None:
            raise ConfigurationError(_by_its_own_tools(url, file))
        if not file.is_file():
            raise ConfigurationError(f"There is no file {file}.")
        project.make_state_folder()
        with explained(project.state_url):
            put = restore.restore(Path(url.database), file, _WHO, SystemClock())
        made = (
            f", made {iso(put.made_at)}" if put.made_at is not None else ", which tells neither its age nor a checksum"
        )
        current.screen.line(f"The state is that of {file}{made}.")
        if put.kept is not None:
            current.screen.line(f"What stood there is kept: {put.kept}")
        if put.unread:
            current.screen.warning(
                "It could not be read, so nobody was asked whether it is in use: make sure it is not."
            )
    for line in _AFTER:
        current.screen.line(line)
    return ExitCode.DONE


def compact(context: typer.Context) -> int:
    """Forget what is old and decides nothing, and give an SQLite file's free room back."""
    current = session(context)
    project = current.load()
    with current.ledger(project) as ledger:
        swept = retention.sweep(ledger, project.service.keep_runs.total_seconds())
        told = ", ".join(f"{number(count)} of {name}" for name, count in swept.items() if count)
        current.screen.line(f"Forgotten: {told or 'nothing, for nothing is old enough'}.")
        before = retention.size(ledger)
        if before is None:
            current.screen.line("PostgreSQL gives free room back by itself (autovacuum).")
        elif not before.worth_compacting:
            current.screen.line(f"{_mib(before.free)} of {_mib(before.total)} are free, and will be used first.")
        else:
            retention.compact(ledger)
            after = retention.size(ledger) or before
            current.screen.line(f"Compacted: {_mib(before.total)} before, {_mib(after.total)} now.")
    return ExitCode.DONE


def _mib(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"


def _note(url: str) -> None:
    ledger = Ledger(url)
    try:
        with ledger.write() as tx:
            restore.refuse_work(tx)
            restore.mark(tx, _WHO, "--done")
    finally:
        ledger.close()


def _by_its_own_tools(url: sa.URL, file: Path) -> str:
    new = url.set(database=f"{url.database}_restored")
    return (
        f"The state is in {url.render_as_string()}, which its own tools restore. Stop the service and its workers, "
        f"make an empty database beside it, and fill that: createdb --maintenance-db='{_address(url)}' {new.database} "
        f"&& pg_restore --exit-on-error --single-transaction --dbname='{_address(new)}' {file}. Then write that "
        "database as 'state:' in the project, and before anything else say: obmen state restore --done"
    )


def _address(url: sa.URL) -> str:
    """Return it as PostgreSQL's own tools take it, without the password: that is in PGPASSWORD or ~/.pgpass."""
    return sa.URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, url.query
    ).render_as_string()
