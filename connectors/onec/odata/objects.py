"""Many objects by their references, in few calls: one call each would make the first read of a base last for days.

A web server limits the length of an address (IIS: 2,048 characters of query), so references are asked for in
groups that fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from connectors.onec.odata.client import OData, guid
from obmen.errors import Refused
from obmen.records import Native

_LONGEST_FILTER = 1500
_GUID_LITERAL = 60


def by_refs(base: OData, entity_set: str, refs: Iterable[str], select: Sequence[str] = ()) -> dict[str, Native]:
    """Return reference → object for those of ``refs`` that the base has."""
    return {row["Ref_Key"]: row for row in among(base, entity_set, "Ref_Key", refs, select)}


def among(
    base: OData, entity_set: str, name: str, refs: Iterable[str], select: Sequence[str] = (), *, also: str = ""
) -> Iterator[Native]:
    """Yield the objects whose property ``name`` is one of ``refs``; ``also``: a condition that they meet too."""
    wanted = list(dict.fromkeys(refs))
    size = max(_LONGEST_FILTER // (len(quote(name)) + _GUID_LITERAL), 1)
    for start in range(0, len(wanted), size):
        yield from _group(base, entity_set, name, wanted[start : start + size], select, also)


def _group(
    base: OData, entity_set: str, name: str, refs: Sequence[str], select: Sequence[str], also: str
) -> Iterator[Native]:
    either = " or ".join(f"{name} eq {guid(ref)}" for ref in refs)
    where = f"({either}) and {also}" if also else either
    try:
        rows = [row for page in base.pages(entity_set, where=where, select=select) for row in page]
    except Refused as refused:
        if refused.code != "too_large" or len(refs) == 1:
            raise
        half = len(refs) // 2
        yield from _group(base, entity_set, name, refs[:half], select, also)
        yield from _group(base, entity_set, name, refs[half:], select, also)
        return
    yield from rows
