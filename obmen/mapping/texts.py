"""How texts, yes and no, ids, phone numbers and lists of texts are written."""

from __future__ import annotations

import re
from typing import Any

from obmen.mapping.phones import e164
from obmen.mapping.values import BadValue, text_in, text_out, what

NO_GUID = "00000000-0000-0000-0000-000000000000"
_WHOLE_ID = re.compile(r"0|[1-9]\d{0,29}", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def id_in(value: Any) -> str:
    """Return an id that the peer writes as a whole number."""
    text = text_in(value)
    if not _WHOLE_ID.fullmatch(text):
        raise BadValue("is not an id written as a whole number")
    return text


def id_out(value: Any) -> int:
    """Return the whole number of an id."""
    return int(id_in(text_out(value)))


def boolean(value: Any) -> bool:
    """Return true or false; anything else is refused."""
    if not isinstance(value, bool):
        raise BadValue(f"is {what(value)}, not true or false")
    return value


def boolean_string_in(value: Any) -> bool:
    """Return what the text "true" or "false" says."""
    text = value.strip().lower() if isinstance(value, str) else ""
    if text not in ("true", "false"):
        raise BadValue('is not the text "true" or "false"')
    return text == "true"


def boolean_string_out(value: Any) -> str:
    """Return the text "true" or "false"."""
    return "true" if boolean(value) else "false"


def guid_in(value: Any) -> str | None:
    """Return a GUID in small letters; None for the empty one."""
    text = value.strip().lower() if isinstance(value, str) else ""
    if not _GUID.fullmatch(text):
        raise BadValue("is not a GUID such as cbcf4984-55bc-11d9-848a-00112f43529a")
    return None if text == NO_GUID else text


def guid_out(value: Any) -> str:
    """Return a GUID; the empty one is refused, for it names nothing."""
    guid = guid_in(value)
    if guid is None:
        raise BadValue("is the empty GUID, which names nothing")
    return guid


def phone_in(region: str, value: Any) -> str:
    """Return a phone number as E.164 writes it."""
    number = e164(text_in(value), region)
    if number is None:
        raise BadValue("is not a phone number")
    return number


def phone_out(_region: str, value: Any) -> str:
    """Return it as E.164 writes it."""
    return text_out(value)


def phones_in(region: str, value: Any) -> tuple[str, ...]:
    """Return each phone number once; what is none is left out."""
    numbers = (e164(spelling, region) for spelling in list_in(value))
    return tuple(dict.fromkeys(number for number in numbers if number is not None))


def phones_out(_region: str, value: Any) -> list[str]:
    """Return them as E.164 writes them."""
    return list_out(value)


def list_in(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, without empty ones."""
    if not isinstance(value, list | tuple):
        raise BadValue(f"is {what(value)}, not a list")
    return tuple(text_in(item) for item in value if _present(item))


def list_out(value: Any) -> list[str]:
    """Return the texts as a list."""
    return [text_out(item) for item in value]


def joined_in(separator: str, value: Any) -> tuple[str, ...]:
    """Return the texts that stand between separators."""
    parts = (part.strip() for part in text_in(value).split(separator))
    return tuple(part for part in parts if part)


def joined_out(separator: str, value: Any) -> str:
    """Return the texts with separators between them."""
    parts = [text_out(item) for item in value]
    if any(separator in part for part in parts):
        raise BadValue(f"has an element that holds the separator {separator!r} itself")
    return separator.join(parts)


def map_in(value: Any) -> dict[str, str]:
    """Return the named texts of a record, without empty ones."""
    if not isinstance(value, dict):
        raise BadValue(f"is {what(value)}, not a set of named texts")
    return {text_in(name): text_in(item) for name, item in value.items() if _present(item)}


def map_out(value: Any) -> dict[str, str]:
    """Return the named texts as a record."""
    return {text_out(name): text_out(item) for name, item in value.items()}


def _present(value: Any) -> bool:
    return value is not None and value != ""
