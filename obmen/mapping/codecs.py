"""Codecs: pairs of functions between a peer's way of writing a value and the canonical value.

The law of each pair: ``pull(push(x)) == x`` for every canonical x that push takes, and ``push(pull(n)) == n``
for every native n that push writes. A pair that broke it would see its own writing as a change of the peer's
and write for ever. A value that a codec cannot take raises BadValue. The functions stand in ``values``, ``numbers``,
``times`` and ``texts``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from obmen.mapping import numbers, texts, times
from obmen.mapping.values import number_in, text_in, text_out

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


_DEFAULT_SEPARATOR = ";"

CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("text", "text", (str,), text_in, text_out, empty=""),
        Codec("decimal", "number", (str,), number_in, numbers.decimal_out),
        Codec("money_string", "number", (str,), number_in, numbers.money_out),
        Codec("number", "number", (int, Decimal), number_in, numbers.json_number_out),
        Codec("integer", "number", (int,), numbers.whole_in, numbers.whole_out),
        Codec("integer_string", "number", (str,), numbers.whole_in, numbers.whole_string_out),
        Codec("comma_decimal", "number", (str,), numbers.comma_in, numbers.comma_out),
        Codec("floor_zero", "number", (), numbers.floor_zero, None),
        Codec("percent", "number", (int, Decimal), partial(numbers.scaled_in, -2), partial(numbers.scaled_out, -2)),
        Codec("kg_g", "number", (int,), partial(numbers.scaled_in, -3), partial(numbers.rounded_out, -3)),
        Codec("mm", "number", (int,), number_in, partial(numbers.rounded_out, 0)),
        Codec("cm_mm", "number", (int, Decimal), partial(numbers.scaled_in, 1), partial(numbers.scaled_out, 1)),
        Codec("m_mm", "number", (int, Decimal), partial(numbers.scaled_in, 3), partial(numbers.scaled_out, 3)),
        Codec("integer_id", "text", (int,), texts.id_in, texts.id_out),
        Codec("guid", "text", (str,), texts.guid_in, texts.guid_out, absent=texts.NO_GUID),
        Codec("boolean", "boolean", (bool,), texts.boolean, texts.boolean),
        Codec("boolean_string", "boolean", (str,), texts.boolean_string_in, texts.boolean_string_out),
        Codec("utc", "time", (str,), times.utc_in, times.utc_out),
        Codec("local_time", "time", (str,), times.local_in, times.local_out, absent=times.NO_TIME, needs="zone"),
        Codec("date", "date", (str,), times.date_in, times.date_out),
        Codec("midnight", "date", (str,), times.midnight_in, times.midnight_out, absent=times.NO_TIME),
        Codec("phone", "text", (str,), texts.phone_in, texts.phone_out, needs="argument"),
        Codec("phones", "list", (list,), texts.phones_in, texts.phones_out, needs="argument"),
        Codec("list", "list", (list,), texts.list_in, texts.list_out),
        Codec("joined", "list", (str,), texts.joined_in, texts.joined_out, absent="", empty=(), needs="argument"),
        Codec("map", "map", (dict,), texts.map_in, texts.map_out),
    )
}
"""Every codec by its name in mappings."""

DEFAULT_ARGUMENTS: dict[str, str] = {"joined": _DEFAULT_SEPARATOR, "phone": "RU", "phones": "RU"}
"""What a codec with an argument gets when the mapping gives none."""

DEFAULT_CODECS: dict[str, Codec] = {
    kind: CODECS[name] for kind, name in (("text", "text"), ("list", "list"), ("map", "map"))
}
"""The codec of a field that names none. A number, a time or a yes/no has no one usual way to be written."""
