"""What can be read as a list: a set of objects, or a virtual table of a register, and its rows as typed records.

Lists of versions, prices and rests are as long as a base is large, so their rows are decoded straight into small
records of the few properties that are wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from obmen.errors import IncompleteSource

NO_REF = "00000000-0000-0000-0000-000000000000"
_LONGEST_PART = 230
_LONGEST_FILTER = 1500
_LITERAL = 60

Row = TypeVar("Row", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """``path`` and ``options`` say where it is, ``type`` what its rows are in the metadata.

    ``order``: the properties that tell one row from another; without an order 1C pages as it pleases.
    """

    path: str
    type: str
    order: tuple[str, ...] = ("Ref_Key",)
    options: Mapping[str, str] | None = None


class Told(NamedTuple):
    """Rows as they came, with commas between them, and how many they are."""

    rows: memoryview
    number: int


class Answer(msgspec.Struct, Generic[Row]):
    """A list as 1C answers it."""

    value: list[Row]


@lru_cache(maxsize=64)
def decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    """Return a decoder of answers whose rows are of this kind."""
    answer: Any = Answer
    return msgspec.json.Decoder(answer[kind])


def read_rows(raw: bytes, kind: type[Row]) -> list[Row]:
    """Return rows, given as they came with commas between them. Raises IncompleteSource if they are of another kind."""
    try:
        rows: list[Row] = _list_of(kind).decode(b"[" + raw + b"]")
    except msgspec.DecodeError as error:
        raise IncompleteSource(f"The rows of a list are not as expected ({error}).") from error
    return rows


def told_in(answer: bytes, rows: Sequence[msgspec.Raw], last: int) -> Told:
    """Return the last so many of an answer's rows as they stand in it, without a copy."""
    start = end = 0
    for raw in rows[: len(rows) - last + 1]:
        start = answer.index(raw, end)
        end = start + len(memoryview(raw))
    end = answer.rindex(rows[-1]) + len(memoryview(rows[-1]))
    return Told(memoryview(answer)[start:end], last)


def cut_rows(raw: bytes) -> list[msgspec.Raw]:
    """Return the same rows each as it came."""
    rows: list[msgspec.Raw] = _list_of(msgspec.Raw).decode(b"[" + raw + b"]")
    return rows


@lru_cache(maxsize=64)
def _list_of(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    listed: Any = list
    return msgspec.json.Decoder(listed[kind])


def names_of(kind: type[msgspec.Struct], known: Iterable[str]) -> tuple[str, ...]:
    """Return the properties that a kind of row takes and that the base has."""
    there = set(known)
    return tuple(name for name in columns(kind) if not there or name in there)


@lru_cache(maxsize=64)
def columns(kind: type[msgspec.Struct]) -> Mapping[str, str]:
    """Return the properties that a kind of row takes, each with the name of its field."""
    return MappingProxyType({field.encode_name: field.name for field in msgspec.structs.fields(kind)})


def of_set(name: str, order: tuple[str, ...] = ("Ref_Key",)) -> Table:
    """Return a set of objects, or of an independent register's rows."""
    return Table(name, name, order)


def slice_last(register: str, order: tuple[str, ...], moment: str, condition: str = "") -> Table:
    """Return what a register subordinate to documents holds at a moment (a literal), the latest of each kind."""
    return _virtual(f"{register}_RecordType", "SliceLast", f"{register}_RecordType", order, moment, condition)


def balance(
    register: str, order: tuple[str, ...], dimensions: Iterable[str], condition: str = "", moment: str = ""
) -> Table:
    """Return the rests of a register by these dimensions (names without ``_Key``).

    They are those before a moment (a literal); without one, movements of the future count too.
    """
    named = f"Dimensions='{','.join(dimensions)}'"
    return _virtual(register, "Balance", f"{register}_Balance", order, moment, condition, named)


def _virtual(
    holder: str, function: str, type_name: str, order: tuple[str, ...], moment: str, condition: str, *more: str
) -> Table:
    """Put the parameters into brackets; a condition too long for a part of an address goes into the query."""
    inner = condition.replace("'", "''")
    brackets = ",".join([*([f"Period={moment}"] if moment else []), *more])
    with_condition = ",".join([*([brackets] if brackets else []), f"Condition='{inner}'"]) if inner else brackets
    if len(with_condition) <= _LONGEST_PART:
        return Table(f"{holder}/{function}({with_condition})", type_name, order)
    query = dict(part.split("=", 1) for part in [*([f"Period={moment}"] if moment else []), *more])
    return Table(f"{holder}/{function}", type_name, order, {**query, "Condition": f"'{inner}'"})


def either(name: str, refs: Iterable[str]) -> Iterator[str]:
    """Yield conditions by which a property is one of these references, each short enough for an address."""
    size = max(_LONGEST_FILTER // (len(quote(name)) + _LITERAL), 1)
    wanted = list(dict.fromkeys(refs))
    for start in range(0, len(wanted), size):
        yield " or ".join(f"{name} eq guid'{ref}'" for ref in wanted[start : start + size])
