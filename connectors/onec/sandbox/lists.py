"""Collections: ``$filter``, ``$orderby``, ``$top``, ``$skip``, ``$inlinecount``, ``allowedOnly``."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.onec.sandbox.base import Record
from connectors.onec.sandbox.functions import BadQuery
from connectors.onec.sandbox.query import UnknownProperty, compile_filter
from connectors.onec.sandbox.selection import Selection, ordered
from connectors.onec.sandbox.shapes import Shape, Shapes
from connectors.onec.sandbox.values import Refusal

_OPTIONS = frozenset(
    {"$select", "$filter", "$expand", "$orderby", "$top", "$skip", "$inlinecount", "$format", "allowedOnly"}
)
_BY_REFERENCE = {"Ref_Key", "Ref_Key asc"}


def listed(
    shapes: Shapes,
    shape: Shape,
    query: Mapping[str, str],
    hidden: frozenset[str],
    rows: list[Record] | None = None,
    parameters: frozenset[str] = frozenset(),
) -> tuple[list[Record], int | None]:
    """Return a page of a set, or of the given rows, and how many there are in all if that is asked for.

    ``hidden`` are references that the user may not read; ``parameters`` are a function's own among the
    options of the query. Raises Refusal and BadQuery.
    """
    _check(query, parameters)
    selection = Selection(query, shape, shapes)
    counted = query.get("$inlinecount") == "allpages"
    skip = int(query.get("$skip", "0"))
    plain = rows is None and not hidden and not query.get("$filter") and shape.name in shapes.base.objects
    if plain and query.get("$orderby", "").strip() in _BY_REFERENCE:
        refs = shapes.base.sorted_refs(shape.name)
        objects = shapes.base.objects[shape.name]
        page = [objects[ref] for ref in refs[skip : _end(query, skip)]]
        return [selection.of(record) for record in page], len(refs) if counted else None
    found = matching(shapes, shape, query, hidden, rows)
    found = ordered(found, query.get("$orderby", ""), shape, shapes)
    page = found[skip : _end(query, skip)]
    return [selection.of(record) for record in page], len(found) if counted else None


def matching(
    shapes: Shapes,
    shape: Shape,
    query: Mapping[str, str],
    hidden: frozenset[str],
    rows: list[Record] | None = None,
) -> list[Record]:
    """Return the records of a set that meet the filter and that the user may see."""
    known = shapes.rows(shape.name) if rows is None else rows
    if query.get("$filter"):
        fits = compile_filter(query["$filter"], shapes.follow)
        try:
            known = [record for record in known if fits(record)]
        except UnknownProperty:
            return []
    if hidden and any(record.get("Ref_Key") in hidden for record in known):
        if query.get("allowedOnly", "").lower() != "true":
            raise denied(shape.name)
        known = [record for record in known if record.get("Ref_Key") not in hidden]
    return known


def denied(name: str) -> Refusal:
    """Return the base's answer to a user who may not read a record."""
    return Refusal(f"Недостаточно прав для чтения {name}", status=401, code="20")


def _check(query: Mapping[str, str], parameters: frozenset[str]) -> None:
    unknown = sorted(key for key in query if key not in _OPTIONS and key not in parameters)
    if unknown:
        raise BadQuery(f"Неизвестный параметр {unknown[0]}")
    for name in ("$top", "$skip"):
        if not query.get(name, "0").isdecimal():
            raise BadQuery(f"{name}: не число")


def _end(query: Mapping[str, str], skip: int) -> int | None:
    return skip + int(query["$top"]) if "$top" in query else None
