"""One thing that ``check`` found, and where a person mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from obmen.errors import ConfigurationError
from obmen.project import ConnectionSettings, Project

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Found:
    """``where`` is ``file:line`` where that exists; ``about`` names the connection, flow or mapping."""

    level: Level
    about: str
    message: str
    where: str = ""

    @property
    def text(self) -> str:
        """The line for people: where it is mended, then what it is."""
        return f"{self.where}: {self.message}" if self.where else f"{self.about}: {self.message}"


def from_error(about: str, error: ConfigurationError) -> Found:
    """Return a problem from an error that may say itself where it stands."""
    where = error.where
    message = str(error)
    return Found("problem", about, message.removeprefix(f"{where}: ") if where else message, where)


def option_line(project: Project, connection: ConnectionSettings, option: str) -> str:
    """Return where an option stands in the project, or else what it would stand under."""
    steps = option.split(".") if option else []
    for end in range(len(steps), 0, -1):
        line = connection.lines.get(".".join(steps[:end]))
        if line is not None:
            return project.where(line)
    return project.where(connection.line)
