"""How the base takes what is written: values that do not fit are refused, strings too long are cut in silence."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from connectors.onec.sandbox.kinds import BINARY, FLAG, GUID, LONG, MOMENT, NUMBER, SHORT, STRING

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_LONG = re.compile(r"-?\d{1,18}")


class Refusal(Exception):  # noqa: N818 - the base's answer, by its code
    """The base refuses; ``status`` and ``code`` are as 1C gives them."""

    def __init__(self, text: str, *, status: int = 500, code: str = "-1") -> None:
        super().__init__(text)
        self.status = status
        self.code = code


def taken(name: str, value: Any, kind: str, length: int | None) -> Any:
    """Return the value as the base keeps it, references in lower case. Raises Refusal with code 4."""
    if not _FITS[kind](value):
        raise Refusal(f"Неверное значение свойства {name}", status=400, code="4")
    if kind == STRING:
        return value[:length]
    if kind == LONG:
        return str(value)
    if kind == GUID:
        lower = value.lower()
        return value if lower == value else lower
    return value


def section_rows(name: str, value: Any) -> list[Mapping[str, Any]]:
    """Return a tabular section's rows. Raises Refusal with code 4."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Refusal(f"Неверное значение табличной части {name}", status=400, code="4")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        return False
    return True


_FITS: dict[str, Callable[[Any], bool]] = {
    STRING: lambda value: isinstance(value, str),
    GUID: lambda value: isinstance(value, str) and bool(_GUID.fullmatch(value)),
    MOMENT: lambda value: isinstance(value, str) and bool(_MOMENT.fullmatch(value)),
    FLAG: lambda value: isinstance(value, bool),
    NUMBER: _is_number,
    SHORT: _is_number,
    LONG: lambda value: not isinstance(value, bool) and bool(_LONG.fullmatch(str(value))),
    BINARY: lambda value: isinstance(value, str) and _is_base64(value),
}
