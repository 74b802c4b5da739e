"""What the generated code calls: references, lists, and the words of a refusal.

A refusal says which value of which field at which native path, why, and which line of the mapping to look
at; a value that is personal is never shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from obmen.entities import ENTITIES, join_key, split_key
from obmen.errors import ObmenError, Refused
from obmen.mapping.paths import Malformed
from obmen.mapping.tables import Unmapped

Refs = Mapping[tuple[str, str], str]

_LONGEST_SHOWN = 60
_MOST_BITS = 256


class Unresolved(ObmenError):  # noqa: N818 - the record waits, nothing is wrong with it
    """The record needs another one that is not known here yet.

    ``entity`` and ``id`` name that one: its native id on pull, its key on push; for a companion of ``with``
    the key of the subject that both are about.
    """

    def __init__(self, entity: str, id: str) -> None:  # noqa: A002 - the peer's word
        super().__init__(f"The {entity} '{id}' is not known in this connection yet; the record waits for it.")
        self.entity = entity
        self.id = id


@dataclass(frozen=True, slots=True)
class Note:
    """What a refusal says of one rule. ``mend`` tells which line or option to change."""

    field: str
    native: str
    mend: str
    hidden: bool


class Explainer:
    """Turns a codec's or a table's reason into a refusal; called by generated code only."""

    def __init__(self, entity: str, notes: Mapping[str, Note]) -> None:
        self.entity = entity
        self.notes = notes

    def __call__(self, at: str, value: Any, error: ValueError, element: int = 0) -> Refused:
        """Return the refusal of ``value`` by the rule ``at``; ``element`` counts from 1 within a list."""
        note = self.notes[at]
        place = f" (element {element})" if element else ""
        subject = "" if isinstance(error, Malformed) else f"{_shown(value, note.hidden)} at '{note.native}' "
        step = (
            f"Add a row to {note.mend}"
            if isinstance(error, Unmapped)
            else f"Correct it in the source, or see {note.mend}"
        )
        message = f"{self.entity}.{note.field}{place}: {subject}{str(error).rstrip('.')}. {step}."
        return Refused(message, code="unmapped" if isinstance(error, Unmapped) else "bad_value", field=note.field)


def listed(value: Any) -> list[dict[str, Any]]:
    """Return the value as a list of records. Raises Malformed."""
    if not isinstance(value, list):
        raise Malformed("what should be a list of records is not a list")
    if not all(isinstance(item, dict) for item in value):
        raise Malformed("what should be a list of records holds something else")
    return value


def resolve(refs: Refs, entity: str, id: str) -> str:  # noqa: A002 - the peer's word
    """Return what ``refs`` has for the id or key. Raises Unresolved."""
    try:
        return refs[entity, id]
    except KeyError:
        raise Unresolved(entity, id) from None


def key_of(refs: Refs, entity: str, native_id: str) -> str:
    """Return the canonical value of a reference: the bare key field where the key has only one."""
    key = resolve(refs, entity, native_id)
    return split_key(key)[0] if _single(entity) else key


def key_from(entity: str, value: str) -> str:
    """Return the key that the canonical value of a reference stands for."""
    return join_key((value,)) if _single(entity) else value


def id_of(refs: Refs, entity: str, value: str) -> str:
    """Return the native id of the record that a canonical reference names. Raises Unresolved."""
    return resolve(refs, entity, key_from(entity, value))


def subject_of(refs: Refs, entity: str, native_id: str) -> tuple[str, ...]:
    """Return the parts of the subject's key. Raises Unresolved."""
    key = resolve(refs, entity, native_id)
    return (key,) if "|" not in key and "\\" not in key else split_key(key)


def companion(companions: Mapping[str, Any], entity: str, subject_key: str) -> Any:
    """Return the record that goes with this one. Raises Unresolved with the subject's key."""
    record = companions.get(entity)
    if record is None:
        raise Unresolved(entity, subject_key)
    return record


def distinct(found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the references without repeats, in order."""
    return list(dict.fromkeys(found))


def _single(entity: str) -> bool:
    return len(ENTITIES[entity].key_fields) == 1


def _shown(value: Any, hidden: bool) -> str:
    if hidden:
        return "the value (personal, so not shown)"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= _LONGEST_SHOWN else f'"{value[:_LONGEST_SHOWN]}…"'
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return "a huge number"
    if isinstance(value, int | float | Decimal | date):
        return str(value)[:_LONGEST_SHOWN]
    return "a record" if isinstance(value, dict) else "a list" if isinstance(value, list | tuple) else "a value"
