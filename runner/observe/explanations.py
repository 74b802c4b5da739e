"""Errors in the seller's words: what a system's code or text means, and what to do about it.

Each connector brings a file of its own beside the code that turns the vendor's answers into errors, so that both change
together and a third party's connector may have one too. What no file knows is said to be unknown, in the system's own
words, and never guessed.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from obmen.connector import Connector
from obmen.errors import ConfigurationError
from obmen.project import Project
from obmen.project.alerts import Language

FILE = "explanations.yaml"
_OWN = Path(__file__).with_name(FILE)
_WORD = re.compile(r"[\w.-]+")
_KEYS = {"code", "words", "ru", "en"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an error means and what to do, by language. It fits by one of ``codes`` and one of ``words``."""

    codes: tuple[str, ...]
    words: tuple[str, ...]
    told: Mapping[str, tuple[str, str]]

    def sentence(self, language: Language) -> str:
        """Return what it means."""
        return self.told[language][0]

    def action(self, language: Language) -> str:
        """Return what to do."""
        return self.told[language][1]

    def exactly(self, code: str, message: str) -> bool:
        """Whether this is what an error of this very code means."""
        return code in self.codes and self.fits(code, message)

    def fits(self, code: str, message: str) -> bool:
        """Whether this may be what an error means."""
        if self.codes and code not in self.codes and not self._named(message):
            return False
        lowered = message.lower()
        return not self.words or any(words in lowered for words in self.words)

    def _named(self, message: str) -> bool:
        """Whether one of the codes stands in the text; a bare number or a plain word there means anything."""
        said = set(_WORD.findall(message))
        names = [code for code in self.codes if not (code.isdecimal() or (code.isalpha() and code.islower()))]
        return any(code in said or (" " in code and code in message) for code in names)


class Explanations:
    """All that is known, the connector's words before Obmen's own."""

    def __init__(self, project: Project) -> None:
        self._kinds = {name: settings.connector for name, settings in project.connections.items()}

    def of(self, connection: str, code: str, message: str) -> Explanation | None:
        """Return what an error of a connection means; None if nobody knows."""
        connector = self._kinds.get(connection)
        known = of_connector(connector) if connector is not None else ()
        return explained([*known, *read(_OWN)], code, message)


def explained(known: Iterable[Explanation], code: str, message: str) -> Explanation | None:
    """Return the first that names the code itself; else the first that fits, for texts are less sure than codes."""
    known = tuple(known)
    exact = next((one for one in known if one.exactly(code, message)), None)
    return exact or next((one for one in known if one.fits(code, message)), None)


def of_connector(connector: type[Connector]) -> Sequence[Explanation]:
    """Return what a connector brings: the file beside the module of its class."""
    path = Path(inspect.getfile(connector)).with_name(FILE)
    return read(path) if path.is_file() else ()


@cache
def read(path: Path) -> tuple[Explanation, ...]:
    """Read a file of explanations; raises ConfigurationError for one that is not well made."""
    entries: Any = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return tuple(_entry(path, one) for one in entries)


def _entry(path: Path, one: Any) -> Explanation:
    codes, words = (tuple(map(str, one.get(name, ()))) for name in ("code", "words"))
    told = {language: tuple(one.get(language, ())) for language in ("ru", "en")}
    well_made = (
        one.keys() <= _KEYS and (codes or words) and all(len(said) == len(("means", "do")) for said in told.values())
    )
    if not well_made:
        raise ConfigurationError(
            f"An explanation has code or words, and in ru and en what it means and what to do: {one}", where=str(path)
        )
    return Explanation(codes, tuple(text.lower() for text in words), told)
