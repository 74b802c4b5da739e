"""Finds the sandbox that a connector brings, by name, without importing any connector."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from obmen.connector import connector_class, connectors
from obmen.errors import ConfigurationError
from obmen.testing.sandbox import Sandbox


def rehearsal(name: str, *, relaxed: bool = False) -> Sandbox:
    """Make a connector's sandbox for an integrator's rehearsal. Raises ConfigurationError.

    Where its class has a method ``strict()``, that makes it: as strict about how often one may call as the real
    system is. ``relaxed`` makes it as tests have it.
    """
    kind = load_sandbox(name)
    strict: Callable[[], Sandbox] = getattr(kind, "strict", kind)
    return kind() if relaxed else strict()


def load_sandbox(name: str) -> type[Sandbox]:
    """Return a connector's sandbox class. Raises ConfigurationError."""
    place = connector_class(name).sandbox
    if not place:
        able = ", ".join(sorted(one for one, kind in connectors().items() if kind.sandbox)) or "none"
        raise ConfigurationError(f"The connector '{name}' brings no sandbox. Those that do: {able}.")
    module, _, attribute = place.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        message = f"The sandbox of '{name}' ({place}) cannot be loaded: {error}. Its author mends that."
        raise ConfigurationError(message) from error
    if not (isinstance(found, type) and issubclass(found, Sandbox)):
        raise ConfigurationError(f"The sandbox of '{name}' ({place}) is no Sandbox. Its author mends that.")
    return found


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
