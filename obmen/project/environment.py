"""``${VAR}`` in a project: secrets come from the environment, so that the project itself can be shared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from obmen.errors import ConfigurationError
from obmen.mapping.yaml import Document
from obmen.project.problems import Problems

_VARIABLE = re.compile(r"\$(\$\{)|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{")
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*")
_QUOTES = ('"', "'")


def read_env(folder: Path) -> dict[str, str]:
    """Return what the project's ``.env`` file says; nothing if there is none.

    One ``NAME=value`` a line; a value may stand in quotes; empty lines and ``# comments`` are skipped.
    Raises ConfigurationError with ``file:line``, which never shows a value.
    """
    path = folder / ".env"
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        message = f"The file cannot be read ({type(error).__name__}). It must be UTF-8 and readable."
        raise ConfigurationError(message, where=str(path)) from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        matched = _LINE.fullmatch(line)
        if matched is None:
            raise ConfigurationError("A line here is NAME=value.", where=f"{path}:{number}")
        found[matched[1]] = _unquoted(matched[2])
    return found


class Filler:
    """Puts variables into a document's texts and remembers what it put there, which is to be masked."""

    def __init__(self, document: Document, variables: Mapping[str, str], problems: Problems) -> None:
        self._document = document
        self._variables = variables
        self._problems = problems
        self.used: set[str] = set()

    def fill(self, value: Any, path: tuple[Any, ...] = ()) -> Any:
        """Return a copy of the data with ``${NAME}`` and ``${NAME:-default}`` replaced; ``$${`` is ``${``."""
        if isinstance(value, str):
            return _VARIABLE.sub(lambda match: self._value(match, path), value)
        if isinstance(value, dict):
            return {key: self.fill(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*path, index)) for index, item in enumerate(value)]
        return value

    def _value(self, match: re.Match[str], path: tuple[Any, ...]) -> str:
        if match[1]:
            return "${"
        name, default = match[2], match[3]
        if name is None:
            self._problems.add(path, "A variable is written ${NAME} or ${NAME:-default}; for a plain '${' write $${.")
            return ""
        value = self._variables.get(name)
        if not value and default is not None:
            return str(default)
        if value is None:
            self._problems.add(
                path,
                f"The environment has no variable {name}. Set it, or put it into .env beside the project.",
            )
            return ""
        self.used.add(value)
        return value


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in _QUOTES and value[-1] == value[0]:
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
