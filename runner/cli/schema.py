"""``obmen schema``: the JSON Schema of a project, by which editors complete and check it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from obmen.project import project_schema
from runner.cli.session import session
from runner.exit_codes import ExitCode

Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it into a file.")]


def schema(context: typer.Context, output: Output = None) -> int:
    """Print the JSON Schema of a project, with the options of every installed connector."""
    screen = session(context).screen
    text = msgspec.json.format(msgspec.json.encode(project_schema()), indent=2).decode()
    if output is None:
        screen.raw(text)
        return ExitCode.DONE
    output.write_text(text + "\n", encoding="utf-8")
    screen.line(f"Written to {output}. In the first line of a project: # yaml-language-server: $schema={output}")
    return ExitCode.DONE
