"""The commands put together, the options that stand before every command, and the way out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from obmen.errors import ConfigurationError
from runner import logging, streams
from runner.cli import (
    categories,
    check,
    demo,
    init,
    labels,
    mapping,
    match,
    plan,
    quarantine,
    sandbox,
    schema,
    serve,
    status,
    sync,
)
from runner.cli.failures import guarded
from runner.cli.session import PROJECT, Session
from runner.render import Screen

app = typer.Typer(
    name="obmen",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_START, _DAILY, _AUTHOR = "To begin", "Every day", "For mappings and connectors"


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"obmen {metadata.version('obmen')}")
        except metadata.PackageNotFoundError:
            typer.echo("obmen (not installed: run from its source)")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        Path,
        typer.Option(
            "--project",
            "-p",
            envvar="OBMEN_PROJECT",
            metavar="PATH",
            help="The project's file or its folder.",
        ),
    ] = PROJECT,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", metavar="", help="Log every call, and show where a bug is.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", metavar="", help="No progress, and of the log only errors.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback has answered already
        bool,
        typer.Option("--version", metavar="", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Keep 1C:Управление торговлей and the sales channels in agreement.

    Begin with: obmen init, obmen check, obmen plan, obmen sync.
    """
    current: Session = context.obj
    if verbose and quiet:
        raise ConfigurationError("--verbose and --quiet exclude each other.")
    current.screen.quiet = quiet
    current.level = logging.VERBOSE if verbose else logging.QUIET if quiet else logging.USUAL
    current.project_file = project
    logging.configure(current.level)


app.command(rich_help_panel=_START)(demo.demo)
app.command(rich_help_panel=_START)(init.init)
app.command(rich_help_panel=_START)(check.check)
app.command(rich_help_panel=_DAILY)(plan.plan)
app.command(rich_help_panel=_DAILY)(plan.apply)
app.command(rich_help_panel=_DAILY)(sync.sync)
app.command(rich_help_panel=_DAILY)(labels.labels)
app.command(name="match", rich_help_panel=_DAILY)(match.match_)
app.command(rich_help_panel=_DAILY)(serve.serve)
app.command(rich_help_panel=_DAILY)(status.status)
app.add_typer(quarantine.app, name="quarantine", rich_help_panel=_DAILY)
app.add_typer(mapping.app, name="mapping", rich_help_panel=_AUTHOR)
app.command(rich_help_panel=_AUTHOR)(categories.categories)
app.command(rich_help_panel=_AUTHOR)(schema.schema)
app.command(rich_help_panel=_AUTHOR)(sandbox.sandbox)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code (see ``runner.exit_codes``)."""
    streams.settle()
    words = list(sys.argv[1:] if arguments is None else arguments)
    current = Session(Screen())

    def work() -> int:
        with command.make_context("obmen", words, obj=current) as context:
            return int(command.invoke(context) or 0)

    command = get_command(app)
    return guarded(work, current)
