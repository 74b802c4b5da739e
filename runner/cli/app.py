"""The commands put together, the options that stand before every command, and the way out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup
from typer.main import get_group

from obmen.errors import ConfigurationError
from runner import streams
from runner.cli.call import PROJECT, Call
from runner.cli.deferred import Deferred
from runner.cli.failures import guarded
from runner.render import Screen

app = typer.Typer(
    name="obmen",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS = {
    "To begin": {
        "demo": ("demo:demo", "Show the main job on sandboxes of 1C and Ozon; nothing outside this machine is called."),
        "init": ("init:init", "Write a small annotated project to begin from. Nothing that exists is overwritten."),
        "check": (
            "check:check",
            "Check the project before it runs: settings, mappings, credentials, and the records themselves.",
        ),
    },
    "Every day": {
        "plan": ("plan:plan", "Show what sync would send, field by field. Nothing is written."),
        "apply": ("plan:apply", "Send exactly what a plan says."),
        "sync": ("sync:sync", "Read what changed and send it."),
        "backfill": ("backfill:backfill", "Read a period of the past once and send what is not there yet."),
        "reconcile": ("reconcile:reconcile", "Read both sides whole and compare them field by field."),
        "run": ("run:run", "Run the project's flows by themselves, until stopped: the service."),
        "money": ("money:money", "Compare orders, accruals, payouts and 1C's documents; tell what goods brought."),
        "commissioner": (
            "commissioner:commissioner",
            "Prepare the commissioner's report (Отчёт комиссионера) of a channel for 1C.",
        ),
        "labels": ("labels:labels", "Fetch the labels of orders into a folder."),
        "match": ("match:match_", "Find the cards that the project's goods have in a connection already."),
        "serve": (
            "serve:serve",
            "Answer systems that call by themselves, until stopped: each connection's endpoint under its name.",
        ),
        "status": (
            "status:status",
            "Show where every flow stands: its last run, what is still to be sent, what was set aside.",
        ),
        "pause": ("pause:pause", "Pause a connection, one entity of it, or one direction, until 'obmen resume'."),
        "resume": ("pause:resume", "Let go on what was paused, and everything narrower that was paused within it."),
        "explain": (
            "explain:explain_",
            "Say how the numbers of a SKU came about: its stock and its prices in every channel.",
        ),
        "history": (
            "history:history",
            "List what a connection was told of one record, the newest first: what changed, by which run, and why.",
        ),
        "undo": ("undo:undo", "Take back what a run wrote of prices, stock and products."),
        "quarantine": ("quarantine:app", "Records that were set aside: list, show, replay, drop."),
        "page": ("page:app", "The web page: the hash of a user's password."),
        "alerts": ("alerts:app", "Whom Obmen tells of trouble: try the channels, list what is open."),
        "doctor": (
            "doctor:doctor",
            "Examine the whole installation from this machine: versions, project, state, service, flows, alerts.",
        ),
    },
    "To keep and to grow": {
        "state": ("state:app", "Where Obmen remembers: look at it, copy it, carry it elsewhere."),
        "worker": ("worker:worker", "Run flows that a service hands out (obmen run --workers), until stopped."),
    },
    "For mappings and connectors": {
        "categories": (
            "categories:categories",
            "Search the categories of a vendor, list what one demands, or draft a categories file.",
        ),
        "schema": (
            "schema:schema",
            "Print the JSON Schema of a project, with the options of every installed connector.",
        ),
        "sandbox": (
            "sandbox:sandbox",
            "Serve a connector's sandbox until stopped: a small stand-in of its system, on this machine only.",
        ),
        "mapping": ("mapping:app", "Mapping files: run their tests, show what they are compiled to."),
    },
}
"""Panel of the help page → command → where it stands in ``runner.cli``, and what the help page says of it."""


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata  # noqa: PLC0415 - only who asks for the version waits for it

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
    current: Call = context.obj
    if verbose and quiet:
        raise ConfigurationError("--verbose and --quiet exclude each other.")
    current.screen.quiet = quiet
    current.verbose = verbose
    current.project_file = project


def commands() -> TyperGroup:
    """Return ``obmen`` with its commands. What each is listed with is its own help page's first paragraph."""
    made = get_group(app)
    for panel, listed in _COMMANDS.items():
        for name, (place, summary) in listed.items():
            made.add_command(Deferred(name, f"runner.cli.{place}", summary, panel=panel))
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code (see ``runner.exit_codes``)."""
    streams.settle()
    words = list(sys.argv[1:] if arguments is None else arguments)
    current = Call(Screen())

    def work() -> int:
        with command.make_context("obmen", words, obj=current) as context:
            return int(command.invoke(context) or 0)

    command = commands()
    return guarded(work, current)
