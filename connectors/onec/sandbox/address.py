"""What an address of the interface names: an object, its part, a virtual table with its parameters.

``Document_ЗаказКлиента(guid'…')/Контрагент``, ``AccumulationRegister_X/Balance(Period=datetime'…')``. Quotes and
brackets inside parameters belong to them, and an inner quote is doubled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.onec.sandbox.values import Refusal

_LITERAL = re.compile(r"(?P<kind>guid|datetime)?'(?P<text>(?:[^']|'')*)'|(?P<bare>[\w.:-]+)")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of an address between slashes: its name, and its parameters by name if there are brackets.

    A sole value without a name, as in ``(guid'…')``, is ``Ref_Key``.
    """

    name: str
    parameters: dict[str, str] | None = None


def parse(resource: str) -> list[Segment]:
    """Return the parts of what stands after ``standard.odata/``. Raises Refusal with code 6."""
    return [_segment(part) for part in _parted(resource.strip("/"), "/")]


def parameters_of(source: str) -> dict[str, str]:
    """Return parameters parted by commas, their literals read. Raises Refusal with code 6."""
    found = {}
    for part in _parted(source, ","):
        name, equals, value = part.partition("=")
        if not equals or "'" in name:
            name, value = "", part
        found[name.strip() or "Ref_Key"] = literal(value.strip(), reference=not name.strip())
    return found


def literal(source: str, *, reference: bool = False) -> str:
    """Return the value of a literal; references in lower case. Raises Refusal with code 6."""
    match = _LITERAL.fullmatch(source)
    if match is None or (reference and (match["kind"] != "guid" or not _GUID.fullmatch(match["text"]))):
        raise Refusal(f"Неверный адрес: {source}", status=400, code="6")
    if match["bare"] is not None:
        return match["bare"]
    text = match["text"].replace("''", "'")
    return text.lower() if match["kind"] == "guid" else text


def _segment(source: str) -> Segment:
    name, bracket, rest = source.partition("(")
    if not bracket:
        return Segment(name)
    if not rest.endswith(")"):
        raise Refusal(f"Неверный адрес: {source}", status=400, code="6")
    return Segment(name, parameters_of(rest[:-1]))


def _parted(source: str, at: str) -> Iterator[str]:
    """Part a text where a character stands outside quotes and brackets; empty parts are left out."""
    begin, depth, quoted = 0, 0, False
    for place, char in enumerate(source):
        if char == "'":
            quoted = not quoted
        elif not quoted:
            depth += (char == "(") - (char == ")")
            if char == at and depth == 0:
                if source[begin:place].strip():
                    yield source[begin:place]
                begin = place + 1
    if source[begin:].strip():
        yield source[begin:]
