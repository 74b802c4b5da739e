"""One call of the command line, as it stands before its command is loaded: where it prints, what was asked of it.

Whoever asks for help or misspells a command needs no more than this, so nothing else is loaded for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.render import Screen

if TYPE_CHECKING:
    from obmen.http.redact import Redactor

PROJECT = Path("obmen.yaml")


@dataclass
class Call:
    """What the options before the command say.

    ``redact`` masks what nobody may see; there is none until a command begins, for nothing has been read by then.
    """

    screen: Screen
    project_file: Path = PROJECT
    verbose: bool = False
    redact: Redactor | None = None
