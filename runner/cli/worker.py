"""``obmen worker``: runs flows that a service hands out, beside other workers."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer
from pydantic import TypeAdapter

from obmen.errors import ConfigurationError
from obmen.project.service import Address, Listen
from runner.cli.session import session
from runner.cli.stop import SIGNALS, answering
from runner.daemon.clock import ServiceClock
from runner.daemon.doors import opened
from runner.exit_codes import ExitCode
from runner.render import plural


def _address(value: str) -> Address | None:
    """Read where to listen."""
    try:
        return TypeAdapter[Address | None](Listen).validate_python(value)
    except ValueError as error:
        raise typer.BadParameter("An address is written as 127.0.0.1:9100; 'off' listens nowhere.") from error


Jobs = Annotated[int, typer.Option("--jobs", min=1, max=64, metavar="N", help="How many flows it runs at a time.")]
Init = Annotated[
    bool, typer.Option("--init", metavar="", help="Only make the queue anew, such as after an upgrade, and end.")
]
Told = Annotated[
    Address | None,
    typer.Option(
        "--metrics",
        metavar="HOST:PORT",
        parser=_address,
        help="Answer /metrics, /healthz and /readyz of this worker there; port 0: any that is free.",
    ),
]


def worker(context: typer.Context, jobs: Jobs = 2, metrics: Told = None, init: Init = False) -> int:
    """Run flows that a service hands out (obmen run --workers), until stopped.

    Any number of workers may run, on any machines, for a state in PostgreSQL. What one was at when it died is taken
    over by another; no flow runs twice at once. Ctrl-C or SIGTERM ends it: what is under way ends at the next batch,
    and the rest is handed back.
    """
    current = session(context)
    project = current.load()
    try:
        from runner.worker import place  # noqa: PLC0415 - its library is an extra
        from runner.worker.routes import application  # noqa: PLC0415 - the same
        from runner.worker.worker import Worker  # noqa: PLC0415 - the same
    except ModuleNotFoundError as error:
        message = f"Workers need {error.name}, which is not installed: pip install 'obmen[workers]'."
        raise ConfigurationError(message) from error
    place.conninfo(project.state_url)
    if init:
        place.prepare(project.state_url, anew=True)
        current.screen.line(f"The queue is ready, in the schema {place.SCHEMA} of the state's database.")
        return ExitCode.DONE
    clock = ServiceClock()
    with current.followed(project), current.ledger(project) as ledger:
        made = Worker(project, ledger, current.load, jobs=jobs, clock=clock)
        screen = current.screen
        screen.line(f"A worker for {plural(jobs, 'flow')} at a time of {project.file}. Ctrl-C ends it.")
        with answering(dict.fromkeys(SIGNALS, made.stop)), ExitStack() as stack:
            if metrics is not None:
                doors = application(made.vitals, made.meter)
                url = stack.enter_context(opened(doors, metrics, believes_proxy=False, mend="with --metrics"))
                screen.line(f"It tells of itself at {url}/metrics")
            screen.flush()
            made.run()
    return ExitCode.DONE
