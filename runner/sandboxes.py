"""Finds the sandbox that a connector brings, by name, without importing any connector."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partialmethod
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, cast, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from obmen.connector import connector_class, connectors
from obmen.errors import ConfigurationError, meant
from obmen.testing.sandbox import Sandbox


def rehearsal(
    name: str, *, door: str = "", relaxed: bool = False, settings: Mapping[str, str] | None = None
) -> Sandbox:
    """Make a connector's sandbox for an integrator's rehearsal. Raises ConfigurationError.

    It is as strict about how often one may call as the real system is; ``relaxed`` makes it as tests have it.
    ``door``: one of those that stand beside it. ``settings``: its options by name, as they are typed.
    """
    kind = load_sandbox(name, door)
    set_so = partialmethod(kind.__init__, **_read(name, kind, settings or {}))
    made = cast("type[Sandbox]", type(kind.__name__, (kind,), {"__init__": set_so}))
    try:
        return made() if relaxed else made.strict()
    except (KeyError, ValueError) as error:
        raise ConfigurationError(f"The sandbox of '{name}' cannot be set so: {error}.") from error


def load_sandbox(name: str, door: str = "") -> type[Sandbox]:
    """Return a connector's sandbox class, or one that stands beside it. Raises ConfigurationError."""
    place = connector_class(name).sandbox
    if not place:
        able = ", ".join(sorted(one for one, kind in connectors().items() if kind.sandbox)) or "none"
        raise ConfigurationError(f"The connector '{name}' brings no sandbox. Those that do: {able}.")
    found = _loaded(name, place)
    if not door:
        return found
    if door not in found.others:
        there = ", ".join(found.others) or "none"
        message = f"The sandbox of '{name}' has no door '{door}'.{meant(door, found.others)} There are: {there}."
        raise ConfigurationError(message)
    return _loaded(name, found.others[door])


def _loaded(name: str, place: str) -> type[Sandbox]:
    module, _, attribute = place.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        message = f"The sandbox of '{name}' ({place}) cannot be loaded: {error}. Its author mends that."
        raise ConfigurationError(message) from error
    if not (isinstance(found, type) and issubclass(found, Sandbox)):
        raise ConfigurationError(f"The sandbox of '{name}' ({place}) is no Sandbox. Its author mends that.")
    return found


def _read(name: str, kind: type[Sandbox], settings: Mapping[str, str]) -> dict[str, Any]:
    """Return options as the sandbox takes them; of several values in one, a comma parts them."""
    hints = get_type_hints(kind.__init__)
    known = [one.name for one in signature(kind.__init__).parameters.values() if one.kind is one.KEYWORD_ONLY]
    read: dict[str, Any] = {}
    for option, typed in settings.items():
        if option not in known:
            there = ", ".join(known)
            message = f"The sandbox of '{name}' has no option '{option}'.{meant(option, known)} There are: {there}."
            raise ConfigurationError(message)
        several = re.match(r"tuple|frozenset|set|list", str(hints[option]).removeprefix("collections.abc."))
        value = [part.strip() for part in typed.split(",") if part.strip()] if several else typed
        try:
            read[option] = TypeAdapter(hints[option]).validate_python(value)
        except (PydanticUserError, ValidationError) as error:
            wanted = getattr(hints[option], "__name__", hints[option])
            raise ConfigurationError(f"The sandbox of '{name}' takes no {option} '{typed}' ({wanted}).") from error
    return read


def pusher(name: str) -> Callable[[str, Path | None, Callable[[str], None]], None]:
    """Return what plays a connector's system as a caller: ``push(url, folder, say)`` of its sandbox's ``pusher``.

    Raises ConfigurationError if the system does not call by itself.
    """
    place = f"{load_sandbox(name).__module__}.pusher"
    try:
        found: Callable[[str, Path | None, Callable[[str], None]], None] = import_module(place).push
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"The sandbox of '{name}' has nothing to push: its system only answers.") from error
    return found
