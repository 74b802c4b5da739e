"""Codecs: pairs of functions between a peer's way of writing a value and the canonical value.

The law of each pair: ``pull(push(x)) == x`` for every canonical x that push takes, and ``push(pull(n)) == n``
for every native n that push writes. A pair that broke it would see its own writing as a change of the peer's
and write for ever. A value that a codec cannot take raises BadValue with the reason alone, never with the
value, which may be personal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import partial
from typing import Any, Literal

from obmen.mapping.phones import e164


class BadValue(ValueError):  # noqa: N818 - it tells of the value
    """A value, or a word of a mapping, is not what it must be; the message says why and shows no data."""


Kind = Literal["text", "number", "boolean", "time", "date", "list", "map", "part", "parts", "any"]
Convert = Callable[[Any], Any]

KIND_NAMES: dict[str, str] = {
    "text": "a text",
    "number": "a number",
    "boolean": "true or false",
    "time": "a time",
    "date": "a date",
    "list": "a list of texts",
    "map": "a set of named texts",
    "part": "a part with fields of its own",
    "parts": "a list of parts",
    "any": "a value",
}

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,4})?", re.ASCII)
_COMMA_NUMBER = re.compile(r"[-+]?\d+(,\d+)?", re.ASCII)
_GROUP_SPACES = str.maketrans("", "", " \u00a0\u202f")
_WHOLE_ID = re.compile(r"0|[1-9]\d{0,29}", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NO_GUID = "00000000-0000-0000-0000-000000000000"
_NO_TIME = "0001-01-01T00:00:00"
_EXACT = Context(prec=100)
_CENT = Decimal("0.01")
_LONGEST = 64
_LARGEST = 24


@dataclass(frozen=True)
class Codec:
    """One pair.

    ``kind`` is what the canonical value is; ``natives`` the types that push writes; ``push`` is None for a
    codec that only pulls. ``absent`` is the native value that stands for nothing; ``empty`` the canonical
    value that the empty text stands for under ``empty: keep``. ``needs`` names what the functions take
    beside the value: the connection's zone, or the argument that the mapping gives.
    """

    name: str
    kind: Kind
    natives: tuple[type, ...]
    pull: Callable[..., Any]
    push: Callable[..., Any] | None
    absent: Any = None
    empty: Any = None
    needs: Literal["", "zone", "argument"] = ""

    def pair(self, zone: tzinfo, argument: str | None) -> tuple[Convert, Convert | None]:
        """Return pull and push as functions of the value alone."""
        if not self.needs:
            return self.pull, self.push
        extra: Any = zone if self.needs == "zone" else argument
        return partial(self.pull, extra), None if self.push is None else partial(self.push, extra)


def text_in(value: Any) -> str:
    """Text from a text or a number; anything else is a mistake in the mapping or at the peer."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise BadValue(f"is {_what(value)}, not a text")
    return format(number_in(value), "f")


def number_in(value: Any) -> Decimal:
    """Exact number from a JSON number or from a text such as 1990.00."""
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, str):
        text = value.strip()
        if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
            raise BadValue("is not a number such as 1990 or 1990.00")
        number = Decimal(text)
    elif isinstance(value, float):
        number = Decimal(repr(value))
    elif isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(f"is {_what(value)}, not a number")
    elif value.bit_length() > _LONGEST * 4:
        raise BadValue("is a number beyond any sensible size")
    else:
        number = Decimal(value)
    if not number.is_finite():
        raise BadValue("is not a finite number")
    if number and abs(number.adjusted()) > _LARGEST:
        raise BadValue("is a number beyond any sensible size")
    return number


def _what(value: Any) -> str:
    names = {bool: "true or false", dict: "a record", list: "a list", tuple: "a list", str: "a text"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "something else")


def _text_out(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue(f"is {_what(value)}, not a text")
    return value


def _short(number: Decimal) -> Decimal:
    if number == number.to_integral_value():
        return number.quantize(Decimal(1), context=_EXACT) if number else Decimal(0)
    return number.normalize(_EXACT)


def _decimal_out(value: Any) -> str:
    return format(_short(number_in(value)), "f")


def _json_number_out(value: Any) -> int | Decimal:
    number = _short(number_in(value))
    return int(number) if number == number.to_integral_value() else number


def _money_out(value: Any) -> str:
    number = number_in(value)
    rounded = number.quantize(_CENT, context=_EXACT)
    if rounded != number:
        raise BadValue("has more than two decimal places, which this peer does not take")
    return format(rounded or Decimal("0.00"), "f")


def _whole_in(value: Any) -> Decimal:
    number = number_in(value)
    if number != number.to_integral_value():
        raise BadValue("is not a whole number")
    return _short(number)


def _whole_out(value: Any) -> int:
    return int(_whole_in(value))


def _whole_string_out(value: Any) -> str:
    return str(_whole_out(value))


def _id_in(value: Any) -> str:
    text = text_in(value)
    if not _WHOLE_ID.fullmatch(text):
        raise BadValue("is not an id written as a whole number")
    return text


def _id_out(value: Any) -> int:
    return int(_id_in(_text_out(value)))


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValue(f"is {_what(value)}, not true or false")
    return value


def _boolean_string_in(value: Any) -> bool:
    text = value.strip().lower() if isinstance(value, str) else ""
    if text not in ("true", "false"):
        raise BadValue('is not the text "true" or "false"')
    return text == "true"


def _boolean_string_out(value: Any) -> str:
    return "true" if _boolean(value) else "false"


def _time_in(value: Any) -> datetime:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise BadValue("is not a time such as 2026-06-15T09:50:09Z")
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        raise BadValue("is not a time such as 2026-06-15T09:50:09Z") from None


def _shift(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        raise BadValue("is a time beyond the calendar") from None


def _aware(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise BadValue("is not a time with a zone")
    return value


def _utc_in(value: Any) -> datetime:
    moment = _time_in(value)
    if moment.tzinfo is None:
        raise BadValue("is a time without a zone; a peer that writes local times needs `as: local_time`")
    return _shift(moment, UTC)


def _utc_out(value: Any) -> str:
    return _shift(_aware(value), UTC).isoformat().replace("+00:00", "Z")


def _local_in(zone: tzinfo, value: Any) -> datetime | None:
    moment = _time_in(value)
    if moment.year == 1:
        return None
    return _shift(moment if moment.tzinfo else moment.replace(tzinfo=zone), UTC)


def _local_out(zone: tzinfo, value: Any) -> str:
    local = _shift(_aware(value), zone)
    return local.replace(tzinfo=None, microsecond=0).isoformat()


def _date_in(value: Any) -> date:
    try:
        return date.fromisoformat(value.strip() if isinstance(value, str) else "")
    except ValueError:
        raise BadValue("is not a date such as 2026-06-15") from None


def _date_out(value: Any) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise BadValue("is not a date")
    return value.isoformat()


def _midnight_in(value: Any) -> date | None:
    moment = _time_in(value)
    return None if moment.year == 1 else moment.date()


def _midnight_out(value: Any) -> str:
    return f"{_date_out(value)}T00:00:00"


def _phone_in(region: str, value: Any) -> str:
    number = e164(text_in(value), region)
    if number is None:
        raise BadValue("is not a phone number")
    return number


def _phone_out(_region: str, value: Any) -> str:
    return _text_out(value)


def _phones_in(region: str, value: Any) -> tuple[str, ...]:
    numbers = (e164(spelling, region) for spelling in _list_in(value))
    return tuple(dict.fromkeys(number for number in numbers if number is not None))


def _phones_out(_region: str, value: Any) -> list[str]:
    return _list_out(value)


def _guid_in(value: Any) -> str | None:
    text = value.strip().lower() if isinstance(value, str) else ""
    if not _GUID.fullmatch(text):
        raise BadValue("is not a GUID such as cbcf4984-55bc-11d9-848a-00112f43529a")
    return None if text == _NO_GUID else text


def _guid_out(value: Any) -> str:
    guid = _guid_in(value)
    if guid is None:
        raise BadValue("is the empty GUID, which names nothing")
    return guid


def _comma_in(value: Any) -> Decimal:
    if isinstance(value, str):
        value = value.translate(_GROUP_SPACES)
        if not _COMMA_NUMBER.fullmatch(value):
            raise BadValue("is not a number such as 1990,50")
        value = value.replace(",", ".")
    return number_in(value)


def _comma_out(value: Any) -> str:
    return _decimal_out(value).replace(".", ",")


def _floor_zero(value: Any) -> Decimal:
    return max(number_in(value), Decimal(0))


def _scaled_in(places: int, value: Any) -> Decimal:
    return _short(number_in(value).scaleb(places, context=_EXACT))


def _scaled_out(places: int, value: Any) -> int | Decimal:
    return _json_number_out(number_in(value).scaleb(-places, context=_EXACT))


def _rounded_out(places: int, value: Any) -> int:
    scaled = number_in(value).scaleb(-places, context=_EXACT)
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP, context=_EXACT))


def _present(value: Any) -> bool:
    return value is not None and value != ""


def _list_in(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise BadValue(f"is {_what(value)}, not a list")
    return tuple(text_in(item) for item in value if _present(item))


def _list_out(value: Any) -> list[str]:
    return [_text_out(item) for item in value]


def _joined_in(separator: str, value: Any) -> tuple[str, ...]:
    parts = (part.strip() for part in text_in(value).split(separator))
    return tuple(part for part in parts if part)


def _joined_out(separator: str, value: Any) -> str:
    parts = [_text_out(item) for item in value]
    if any(separator in part for part in parts):
        raise BadValue(f"has an element that holds the separator {separator!r} itself")
    return separator.join(parts)


def _map_in(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise BadValue(f"is {_what(value)}, not a set of named texts")
    return {text_in(name): text_in(item) for name, item in value.items() if _present(item)}


def _map_out(value: Any) -> dict[str, str]:
    return {_text_out(name): _text_out(item) for name, item in value.items()}


_DEFAULT_SEPARATOR = ";"

CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("text", "text", (str,), text_in, _text_out, empty=""),
        Codec("decimal", "number", (str,), number_in, _decimal_out),
        Codec("money_string", "number", (str,), number_in, _money_out),
        Codec("number", "number", (int, Decimal), number_in, _json_number_out),
        Codec("integer", "number", (int,), _whole_in, _whole_out),
        Codec("integer_string", "number", (str,), _whole_in, _whole_string_out),
        Codec("comma_decimal", "number", (str,), _comma_in, _comma_out),
        Codec("floor_zero", "number", (), _floor_zero, None),
        Codec("percent", "number", (int, Decimal), partial(_scaled_in, -2), partial(_scaled_out, -2)),
        Codec("kg_g", "number", (int,), partial(_scaled_in, -3), partial(_rounded_out, -3)),
        Codec("mm", "number", (int,), number_in, partial(_rounded_out, 0)),
        Codec("cm_mm", "number", (int, Decimal), partial(_scaled_in, 1), partial(_scaled_out, 1)),
        Codec("m_mm", "number", (int, Decimal), partial(_scaled_in, 3), partial(_scaled_out, 3)),
        Codec("integer_id", "text", (int,), _id_in, _id_out),
        Codec("guid", "text", (str,), _guid_in, _guid_out, absent=_NO_GUID),
        Codec("boolean", "boolean", (bool,), _boolean, _boolean),
        Codec("boolean_string", "boolean", (str,), _boolean_string_in, _boolean_string_out),
        Codec("utc", "time", (str,), _utc_in, _utc_out),
        Codec("local_time", "time", (str,), _local_in, _local_out, absent=_NO_TIME, needs="zone"),
        Codec("date", "date", (str,), _date_in, _date_out),
        Codec("midnight", "date", (str,), _midnight_in, _midnight_out, absent=_NO_TIME),
        Codec("phone", "text", (str,), _phone_in, _phone_out, needs="argument"),
        Codec("phones", "list", (list,), _phones_in, _phones_out, needs="argument"),
        Codec("list", "list", (list,), _list_in, _list_out),
        Codec("joined", "list", (str,), _joined_in, _joined_out, absent="", empty=(), needs="argument"),
        Codec("map", "map", (dict,), _map_in, _map_out),
    )
}
"""Every codec by its name in mappings."""

DEFAULT_ARGUMENTS: dict[str, str] = {"joined": _DEFAULT_SEPARATOR, "phone": "RU", "phones": "RU"}
"""What a codec with an argument gets when the mapping gives none."""

DEFAULT_CODECS: dict[str, Codec] = {
    kind: CODECS[name] for kind, name in (("text", "text"), ("list", "list"), ("map", "map"))
}
"""The codec of a field that names none. A number, a time or a yes/no has no one usual way to be written."""
