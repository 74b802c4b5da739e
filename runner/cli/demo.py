"""``obmen demo``: the main job, shown on sandboxes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.session import session
from runner.demo.play import play
from runner.exit_codes import ExitCode


def demo(
    context: typer.Context,
    commerceml: Annotated[
        Path | None,
        typer.Option("--commerceml", metavar="DIR", help="A real export of 1C instead of invented goods."),
    ] = None,
    goods: Annotated[int, typer.Option("--goods", min=20, metavar="N", help="How many goods to invent.")] = 2000,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Leave the project and its state in this new folder."),
    ] = None,
) -> int:
    """Show the main job on sandboxes of 1C and Ozon; nothing outside this machine is called."""
    play(session(context).screen, commerceml=commerceml, goods=goods, keep=keep)
    return ExitCode.DONE
