"""``obmen sandbox``: serve a connector's stand-in on this machine, to rehearse and to write mappings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from obmen.errors import ConfigurationError
from obmen.mapping.yaml import write_yaml
from obmen.testing.sandbox import Sandbox
from runner.cli.session import session
from runner.cli.stop import Stopped
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.render import Screen
from runner.sandboxes import pusher, rehearsal

Which = Annotated[str, typer.Argument(metavar="CONNECTOR", help="The connector whose system is stood in for.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="The port; 0 takes a free one.")]
Relaxed = Annotated[
    bool, typer.Option("--relaxed", metavar="", help="Without the system's limits on how often one may call.")
]
Push = Annotated[
    str | None, typer.Option("--push", metavar="URL", help="Instead, call this address once as the system does.")
]
Folder = Annotated[
    Path | None, typer.Option("--folder", metavar="DIR", help="With --push: what the system would send.")
]
Door = Annotated[
    str, typer.Option("--door", metavar="NAME", help="Another door of the system, where its sandbox has several.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the sandbox. May be repeated.")
]
Fill = Annotated[int, typer.Option("--fill", min=0, metavar="N", help="Begin with so many invented goods.")]
_CONTROLS = (
    ("GET", "state", "its records as JSON"),
    ("POST", "reset", "forget them, and every fault"),
    ("GET, POST, DELETE", "faults", "which faults to inject, how often"),
    ("POST", "do/NAME", "what people do there, such as place_order"),
)


def sandbox(
    context: typer.Context,
    connector: Which,
    port: Port = 0,
    relaxed: Relaxed = False,
    json: Json = False,
    push: Push = None,
    folder: Folder = None,
    door: Door = "",
    settings: Settings = None,
    fill: Fill = 0,
) -> int:
    """Serve a connector's sandbox until stopped: a small stand-in of its system, on this machine only.

    It keeps records, refuses what the real system refuses, and can be told to fail.
    """
    screen = session(context).screen
    if push is not None:
        pusher(connector)(push, folder, screen.line)
        return ExitCode.DONE
    made = rehearsal(connector, door=door, relaxed=relaxed, settings=_parted(settings or ()))
    if fill:
        _fill(connector, made, fill)
    announce = _as_data if json else _announce
    try:
        made.serve_forever(port, lambda url: announce(screen, connector, url, made))
    except Stopped:
        screen.note("Stopped.")
    except OSError as error:
        message = f"The port {port} cannot be used ({error.strerror}). Take another, or --port 0 for a free one."
        raise ConfigurationError(message) from error
    return ExitCode.DONE


def _parted(settings: Sequence[str]) -> dict[str, str]:
    parted = dict(one.partition("=")[::2] for one in settings if "=" in one)
    for one in settings:
        if "=" not in one:
            raise ConfigurationError(f"--set takes NAME=VALUE; '{one}' has no '='.")
    return parted


def _fill(name: str, made: Sandbox, goods: int) -> None:
    fill: Callable[[int], object] | None = getattr(made, "fill", None)
    if fill is None:
        raise ConfigurationError(f"The sandbox of '{name}' knows no invented goods: begin without --fill.")
    fill(goods)


def _announce(screen: Screen, name: str, url: str, made: Sandbox) -> None:
    screen.line(f"The sandbox of {name} serves at {url}")
    for methods, path, meaning in _CONTROLS:
        screen.line(f"  {methods:<17} {url}/__sandbox__/{path:<7} {meaning}")
    screen.line("A project reaches it by this connection:")
    block = {"connections": {name: {"connector": name, **made.connection()}}}
    screen.line(write_yaml(block).rstrip())
    screen.line("Ctrl-C ends it.")
    screen.flush()


def _as_data(screen: Screen, name: str, url: str, made: Sandbox) -> None:
    controls = [
        {"methods": methods.split(", "), "url": f"{url}/__sandbox__/{path}", "meaning": meaning}
        for methods, path, meaning in _CONTROLS
    ]
    screen.json({"url": url, "connection": {"connector": name, **made.connection()}, "controls": controls})
    screen.flush()
