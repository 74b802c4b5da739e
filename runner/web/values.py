"""Values as people read them: without secrets, and without anybody's personal data unless they may see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from obmen.entities import ENTITIES, split_key
from obmen.http.redact import MASK, Redactor
from obmen.state.quarantine import Entry
from runner.web.words import Words

_LONGEST_RAW = 20_000
_LONGEST = 300


def fields(entity: str, canonical: bytes, *, personal: bool) -> dict[str, Any]:
    """Return a canonical record's fields; ``personal``: what is somebody's own may be shown too."""
    decoded: dict[str, Any] = msgspec.json.decode(canonical)
    known = ENTITIES.get(entity)
    hidden = known.personal_fields() if known is not None and not personal else frozenset()
    return {name: _masked(value, hidden, name) for name, value in decoded.items()}


def differences(entity: str, before: bytes | None, after: bytes) -> dict[str, tuple[Any, Any]]:
    """Return field → (before, after) where they differ, personal data masked for everybody.

    Compared before it is masked: that a name changed is no secret, the name is.
    """
    old: Mapping[str, Any] = msgspec.json.decode(before) if before is not None else {}
    new: Mapping[str, Any] = msgspec.json.decode(after)
    known = ENTITIES.get(entity)
    hidden = known.personal_fields() if known is not None else frozenset()
    return {
        name: (_masked(old.get(name), hidden, name), _masked(new.get(name), hidden, name))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    }


def payload(entry: Entry, redact: Redactor, *, personal: bool) -> str:
    """Return what lies in quarantine as readable text, "" if nothing was kept."""
    if entry.canonical is not None:
        return _readable(redact, fields(entry.entity, entry.canonical, personal=personal))
    if entry.raw is None:
        return ""
    try:
        natives = msgspec.json.decode(entry.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = entry.raw[:_LONGEST_RAW].decode("utf-8", "replace")
        return redact.secrets(text) if personal else redact(text)
    return _readable(redact, natives if personal else redact.data(natives))


def text(words: Words, value: Any) -> str:
    """Return a value in one line."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return words("yes" if value else "no")
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        said = ", ".join(value)
    else:
        said = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"


def because(words: Words, cause: str, entity: str = "") -> str:
    """Say why a record was written; ``entity``: of what."""
    kind, _, about = cause.partition(":")
    channel, _, number = about.partition("|")
    if kind == "order" and number:
        return words("because.order", number=number, channel=channel)
    if kind == "undo" and about:
        return words("because.undo", number=about)
    if kind == "forced" and about:
        return words("because.forced", reason=about)
    known = f"because.{cause or 'source'}"
    if words.has(f"{known}.{entity}"):
        return words(f"{known}.{entity}")
    return words(known) if words.has(known) else cause


def named(key: str) -> str:
    """Return a record's key as people read it."""
    return " · ".join(split_key(key)) or "?"


def subject(entity: str, key: str) -> str:
    """Return the key of what a record is about: of a price its SKU, under which everything of it is found."""
    known = ENTITIES.get(entity)
    try:
        return known.subject_of(key) if known is not None else key
    except ValueError:
        return key  # it could not be read as a key, which may be why it was set aside


def _readable(redact: Redactor, value: Any) -> str:
    shown = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return redact.secrets(shown[:_LONGEST_RAW])


def _masked(value: Any, hidden: frozenset[str], path: str) -> Any:
    if path in hidden:
        return MASK if value is not None else None
    if isinstance(value, dict):
        return {name: _masked(item, hidden, f"{path}.{name}") for name, item in value.items()}
    return [_masked(item, hidden, path) for item in value] if isinstance(value, list) else value
