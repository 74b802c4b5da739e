"""``obmen sync``: read the flows, send what changed, tell what became of it."""

from __future__ import annotations

from typing import Annotated

import typer

from obmen.errors import ConfigurationError
from obmen.sync.engine import Engine
from obmen.sync.passes import FlowReport
from runner.cli import reports
from runner.cli.session import Session, session
from runner.exit_codes import of_reports

WAIT = 60.0

Flows = Annotated[list[str] | None, typer.Argument(help="Flows by name; all of the project's if none is given.")]
Force = Annotated[
    str | None,
    typer.Option(
        "--force",
        metavar="REASON",
        help="Let go what the guards hold. The reason is kept with the run and logged.",
    ),
]
Wait = Annotated[
    float,
    typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for a system that works on what it took."),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print JSON instead of a table.")]


def sync(
    context: typer.Context, flows: Flows = None, force: Force = None, wait: Wait = WAIT, json: Json = False
) -> int:
    """Read what changed and send it.

    Only differences are sent. What a system refuses is set aside with its reason and stops nothing else.
    """
    current = session(context)
    reason = reason_of(force)
    with current.open() as opened, opened.progress() as listener:
        done = Engine(opened.ledger, opened.assembly.flows, listener=listener).sync(
            flows or (), patience=wait, force=reason
        )
    return told(current, done, json=json)


def told(current: Session, done: list[FlowReport], *, json: bool) -> int:
    """Print what a run did; return the exit code."""
    if json:
        current.screen.json(reports.as_data(done, current))
        return of_reports(done)
    return reports.show(current, done)


def reason_of(force: str | None) -> str | None:
    """Return the reason; an empty one is none, and whoever overrides a guard gives one."""
    if force is not None and not force.strip():
        message = 'A reason is asked for, since it is kept with the run: --force "why".'
        raise ConfigurationError(message)
    return force.strip() if force is not None else None
