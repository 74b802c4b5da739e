"""``obmen demo``: the main job, shown on sandboxes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from obmen.errors import ConfigurationError
from runner.cli.session import session
from runner.demo.catalogue import write_catalogue
from runner.demo.play import SEED, play
from runner.exit_codes import ExitCode
from runner.render import Screen, plural


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
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="DIR",
            help="Only write the invented goods into this new folder, as 1C exports them, for a rehearsal of your own.",
        ),
    ] = None,
) -> int:
    """Show the main job on sandboxes of 1C and Ozon; nothing outside this machine is called."""
    if export is not None:
        return _write(session(context).screen, export, goods, commerceml or keep)
    play(session(context).screen, commerceml=commerceml, goods=goods, keep=keep)
    return ExitCode.DONE


def _write(screen: Screen, folder: Path, goods: int, beside: Path | None) -> int:
    if beside is not None:
        raise ConfigurationError("--export only writes goods: --commerceml and --keep have no meaning beside it.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(
            "Something stands there, and nothing is overwritten. Name a new folder.", where=str(folder)
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_catalogue(folder, goods, SEED)
    screen.line(f"{plural(goods, 'good')} are in {folder}, as 1C exports them.")
    return ExitCode.DONE
