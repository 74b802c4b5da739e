"""Ways of writing that several blocks of a project share: on and off, and one where a list may stand."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema


def on_or_off(value: Any) -> Any:
    """Return what a switch says; YAML's own booleans do as well."""
    if value in ("on", "off"):
        return value == "on"
    if not isinstance(value, bool):
        raise ValueError("it is on or off")  # noqa: TRY004 - pydantic tells only ValueErrors in these words
    return value


def listed(value: Any) -> Any:
    """Return a list, also where one word stands for it."""
    return [value] if isinstance(value, str) else value


OnOff = Annotated[bool, BeforeValidator(on_or_off), WithJsonSchema({"enum": ["on", "off", True, False]})]
