"""What a base publishes, read from its ``$metadata`` as a stream.

1C ignores a property that it does not know without a word, so a misspelt or unpublished one would be lost
data; every body is held against the metadata before it is sent. A fully published base has thousands of
types in many megabytes, so only those of the objects that the connector speaks of are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from connectors.onec.odata.needs import OBJECTS
from obmen.errors import IncompleteSource, Refused, Unavailable, meant

if TYPE_CHECKING:
    from lxml import etree

_COLLECTION = "Collection(StandardODATA."
_EXCHANGE_PLAN = "ExchangePlan_"
_LET_GO = ("EntityType", "ComplexType", "EntitySet", "Association", "AssociationSet", "FunctionImport")
_EXACTLY = frozenset(OBJECTS)
_BEGINNINGS = (_EXCHANGE_PLAN, *(f"{name}_" for name in OBJECTS))


@dataclass(frozen=True, slots=True)
class Property:
    """A property: its EDM type, and the longest string it takes where the base tells it."""

    type: str
    max_length: int | None = None

    @property
    def rows(self) -> str:
        """The type of a tabular section's rows; empty for any other property."""
        return self.type.removeprefix(_COLLECTION).rstrip(")") if self.type.startswith(_COLLECTION) else ""


@dataclass(frozen=True, slots=True)
class Metadata:
    """``types``: entity and row types by name, each with its properties; ``sets``: the published objects."""

    types: Mapping[str, Mapping[str, Property]]
    sets: frozenset[str]

    def properties(self, type_name: str) -> Mapping[str, Property]:
        """Return the properties of a type; none for one that is not published or not kept."""
        return self.types.get(type_name, {})

    def require(self, type_name: str, body: Mapping[str, Any], *, inside: str = "") -> None:
        """Raise Refused if the body names a property, at any depth, that the base would silently ignore."""
        known = self.properties(type_name)
        for name, value in body.items():
            if name not in known:
                message = (
                    f"This base's {type_name} has no property '{name}', and 1C would drop it without a word."
                    f"{meant(name, known)} Mend the mapping, or publish the property's type in 1C."
                )
                raise Refused(message, code="unknown_property", field=inside + name)
            if known[name].rows:
                for row in value:
                    self.require(known[name].rows, row, inside=f"{inside}{name}.")


def wanted(type_name: str) -> bool:
    """Whether a type belongs to an object that the connector speaks of: it, its rows, its virtual tables."""
    return type_name in _EXACTLY or type_name.startswith(_BEGINNINGS)


def read_metadata(content: bytes, *, what: str = "$metadata") -> Metadata:
    """Read ``$metadata``: the names of all that is published, and the types that are ``wanted``.

    Raises Unavailable for a page that is no metadata (a login page with status 200), IncompleteSource for one
    that breaks off.
    """
    head = content[:2000]
    if b"<!DOCTYPE" in head or b"Edmx" not in head:
        raise Unavailable(
            f"{what}: the answer is not $metadata. Open the connection's url with /$metadata in a browser to"
            " see what answers there."
        )
    types: dict[str, Mapping[str, Property]] = {}
    sets: set[str] = set()
    for kind, element in _elements(content, what):
        name = element.get("Name", "")
        if kind == "EntitySet":
            sets.add(name)
        elif kind in {"EntityType", "ComplexType"} and wanted(name):
            types[name] = dict(_properties(element))
    return Metadata(types, frozenset(sets))


def _elements(content: bytes, what: str = "$metadata") -> Iterator[tuple[str, etree._Element]]:
    """Yield each type and set, letting go of it afterwards so that memory stays flat."""
    from lxml import etree  # noqa: PLC0415 - OData speaks JSON, and most processes never meet XML

    stream = etree.iterparse(
        BytesIO(content),
        tag=[f"{{*}}{kind}" for kind in _LET_GO],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
    )
    try:
        for _, element in stream:
            yield etree.QName(element).localname, element
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise IncompleteSource(f"{what}: the metadata breaks off or is damaged ({error}).") from error


def _properties(element: etree._Element) -> Iterator[tuple[str, Property]]:
    for found in element.iterfind("{*}Property"):
        length = found.get("MaxLength", "")
        yield (
            found.get("Name", ""),
            Property(found.get("Type", ""), int(length) if length.isdigit() else None),
        )
