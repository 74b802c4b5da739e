"""``obmen init``: a small annotated project to begin from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from obmen.connector import connector_class, connectors
from obmen.errors import ConfigurationError, meant
from obmen.project.presets import presets_folder
from runner.cli import starter
from runner.cli.session import session
from runner.exit_codes import ExitCode
from runner.render import Screen

DEFAULT = ("onec", "ozon")
_VARIABLE = re.compile(r"\$\{(\w+)")

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; it is made if it is not there.")]
Which = Annotated[
    list[str] | None,
    typer.Option(
        "--connector",
        "-c",
        metavar="NAME",
        help="A system to connect; say it once for each. 1C and Ozon by default.",
    ),
]


def init(context: typer.Context, folder: Folder = Path(), connector: Which = None) -> int:
    """Write a small annotated project to begin from. Nothing that exists is overwritten."""
    screen = session(context).screen
    kinds = list(dict.fromkeys(connector or [kind for kind in DEFAULT if kind in connectors()]))
    if not kinds:
        raise ConfigurationError(f"Say which systems: --connector NAME.{meant('', connectors())}")
    files = _files(kinds)
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError("This is a file. Name a folder for the project.", where=str(folder))
    standing = [name for name in files if (folder / name).exists()]
    if standing:
        message = f"{', '.join(standing)} stands there, and nothing is overwritten. Choose another folder."
        raise ConfigurationError(message, where=str(folder))
    if not (folder / ".gitignore").exists():
        files[".gitignore"] = ".env\n.obmen/\n"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _next(screen, folder, files)
    return ExitCode.DONE


def _files(kinds: list[str]) -> dict[str, str]:
    classes = {kind: connector_class(kind) for kind in kinds}
    blocks = {kind: _block(kind) or starter.connection(kind, made) for kind, made in classes.items()}
    variables = dict.fromkeys(_VARIABLE.findall("".join(blocks.values())))
    return {
        "obmen.yaml": starter.project(classes, blocks),
        ".env.example": starter.environment(variables),
        "mappings/README.md": starter.mappings_readme(classes),
    }


def _block(kind: str) -> str:
    """Return the annotated block of one of Obmen's own connectors."""
    path = presets_folder().parent / "config" / "connections" / f"{kind}.yaml"
    return path.read_text("utf-8") if path.is_file() else ""


def _next(screen: Screen, folder: Path, files: dict[str, str]) -> None:
    screen.line(f"A project to begin from is in {folder.resolve()}:")
    for name in files:
        screen.line(f"  {name}")
    screen.line("Next:")
    here = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    screen.line(f"  {here}cp .env.example .env     and put the secrets into .env")
    screen.line("  edit obmen.yaml           connections and flows")
    screen.line("  obmen check               what is still missing, with its line; writes nothing")
    screen.line("  obmen plan                what would be sent; writes nothing")
    screen.line("  obmen sync")
