"""``obmen sandbox``: serve a connector's stand-in on this machine, to rehearse and to write mappings."""

from __future__ import annotations

from typing import Annotated

import typer

from obmen.errors import ConfigurationError
from obmen.mapping.yaml import write_yaml
from obmen.testing.sandbox import Sandbox
from runner.cli.session import session
from runner.cli.stop import Stopped
from runner.exit_codes import ExitCode
from runner.render import Screen
from runner.sandboxes import load_sandbox

Which = Annotated[str, typer.Argument(metavar="CONNECTOR", help="The connector whose system is stood in for.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="The port; 0 takes a free one.")]
_CONTROLS = (
    ("GET", "state", "its records as JSON"),
    ("POST", "reset", "forget them, and every fault"),
    ("GET, POST, DELETE", "faults", "which faults to inject, how often"),
)


def sandbox(context: typer.Context, connector: Which, port: Port = 0) -> int:
    """Serve a connector's sandbox until stopped: a small stand-in of its system, on this machine only.

    It keeps records, refuses what the real system refuses, and can be told to fail.
    """
    screen = session(context).screen
    made = load_sandbox(connector)()
    try:
        made.serve_forever(port, lambda url: _announce(screen, connector, url, made))
    except Stopped:
        screen.note("Stopped.")
    except OSError as error:
        message = f"The port {port} cannot be used ({error.strerror}). Take another, or --port 0 for a free one."
        raise ConfigurationError(message) from error
    return ExitCode.DONE


def _announce(screen: Screen, name: str, url: str, made: Sandbox) -> None:
    screen.line(f"The sandbox of {name} serves at {url}")
    for methods, path, meaning in _CONTROLS:
        screen.line(f"  {methods:<17} {url}/__sandbox__/{path:<7} {meaning}")
    screen.line("A project reaches it by this connection:")
    block = {"connections": {name: {"connector": name, **made.connection()}}}
    screen.line(write_yaml(block).rstrip())
    screen.line("Ctrl-C ends it.")
    screen.flush()
