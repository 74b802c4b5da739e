"""Finds the sandbox that a connector brings, by name, without importing any connector."""

from __future__ import annotations

from importlib import import_module

from obmen.connector import connector_class, connectors
from obmen.errors import ConfigurationError
from obmen.testing.sandbox import Sandbox


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
