"""A record's payload as a person may see it: readable, and without anybody's personal data."""

from __future__ import annotations

from typing import Any

import msgspec

from obmen.entities import ENTITIES
from obmen.http.redact import MASK, Redactor
from obmen.state.quarantine import Entry

_LONGEST = 4000
_redact = Redactor()


def shown_payload(entry: Entry) -> Any:
    """Return what lies in quarantine, masked: native records for stage ``pull``, else the canonical record.

    A record that could not even be read is returned as text; None if nothing was kept.
    """
    entity = ENTITIES.get(entry.entity)
    personal = entity.personal_fields() if entity is not None else frozenset()
    if entry.canonical is not None:
        return _masked(msgspec.json.decode(entry.canonical), personal, "")
    if entry.raw is None:
        return None
    try:
        natives = msgspec.json.decode(entry.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _redact(entry.raw[:_LONGEST].decode("utf-8", "replace"))
    return _redact.data(natives) if personal else natives


def _masked(value: Any, personal: frozenset[str], path: str) -> Any:
    """Mask what the entity calls personal; elements of a list go by the name of the list."""
    if path in personal:
        return MASK if value is not None else None
    if isinstance(value, dict):
        return {name: _masked(item, personal, f"{path}.{name}" if path else name) for name, item in value.items()}
    return [_masked(item, personal, path) for item in value] if isinstance(value, list) else value
