"""What a base's types are made of: EDM types, and the words with which the sandbox's objects are described."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

GUID, STRING, MOMENT, FLAG = "Edm.Guid", "Edm.String", "Edm.DateTime", "Edm.Boolean"
NUMBER, LONG, SHORT = "Edm.Double", "Edm.Int64", "Edm.Int16"
BINARY, STREAM = "Edm.Binary", "Edm.Stream"

NAMESPACE = "StandardODATA"
NO_REF = "00000000-0000-0000-0000-000000000000"
NO_DATE = "0001-01-01T00:00:00"
UNDEFINED = f"{NAMESPACE}.Undefined"

Properties = Mapping[str, str]
"""EDM types by the name of the property."""

_KINDS = {
    "guids": GUID,
    "strings": STRING,
    "moments": MOMENT,
    "flags": FLAG,
    "numbers": NUMBER,
    "longs": LONG,
    "shorts": SHORT,
}
_EMPTY: dict[str, object] = {
    GUID: NO_REF,
    STRING: "",
    MOMENT: NO_DATE,
    FLAG: False,
    NUMBER: 0,
    LONG: "0",
    SHORT: 0,
    BINARY: "",
}


@dataclass(frozen=True, slots=True)
class Type:
    """An object's own properties, and those of each tabular section's rows."""

    properties: Properties
    sections: Mapping[str, Properties] = field(default_factory=dict)

    @property
    def is_document(self) -> bool:
        """Whether it can be posted."""
        return "Posted" in self.properties


@dataclass(frozen=True, slots=True)
class Register:
    """A register. ``recorded``: its rows are made by documents, else they are written one by one.

    ``balance``: it accumulates, so it has Balance, Turnovers and BalanceAndTurnovers.
    """

    dimensions: Properties
    resources: Properties
    attributes: Properties = field(default_factory=dict)
    recorded: bool = True
    balance: bool = False

    @property
    def own(self) -> Properties:
        """All that a row says of its own, whatever made it."""
        return {**self.dimensions, **self.resources, **self.attributes}


def fields(*, anys: str = "", storages: str = "", **names: str) -> Properties:
    """Describe properties by kind: ``guids="Склад_Key" strings="Артикул"``, names parted by blanks.

    ``anys`` hold references of several types, so each brings its ``_Type``; ``storages`` hold files.
    """
    own = {name: _KINDS[kind] for kind, several in names.items() for name in several.split()}
    for name in storages.split():
        own |= {name: STREAM, f"{name}_Base64Data": BINARY}
    own |= dict.fromkeys(anys.split(), STRING)
    return own | {f"{name}_Type": STRING for name in (*anys.split(), *storages.split())}


def without(properties: Properties, names: str) -> Properties:
    """Return the properties but for those named, parted by blanks."""
    return {name: kind for name, kind in properties.items() if name not in names.split()}


def composites(properties: Iterable[str]) -> list[str]:
    """Return the properties that hold a reference of one of several types: they bring a ``_Type``."""
    known = set(properties)
    return [name for name in known if f"{name}_Type" in known and f"{name}_Base64Data" not in known]


def empty(properties: Properties) -> dict[str, object]:
    """Return every property with the value that 1C gives to one that was never filled."""
    return {
        name: _type_of_nothing(name, properties) if name.endswith("_Type") else _EMPTY[kind]
        for name, kind in properties.items()
        if kind != STREAM
    }


def _type_of_nothing(name: str, properties: Properties) -> str:
    holder = name.removesuffix("_Type")
    return "application/octet-stream" if f"{holder}_Base64Data" in properties else UNDEFINED


def catalog(
    *,
    hierarchical: bool = False,
    owner: str = "",
    code: bool = True,
    sections: Mapping[str, Properties] | None = None,
    **names: str,
) -> Type:
    """Describe a catalog; ``owner`` is ``one`` (Owner_Key) or ``several`` (Owner and its type)."""
    own = fields(
        guids="Ref_Key" + (" Parent_Key" if hierarchical else "") + (" Owner_Key" if owner == "one" else ""),
        strings="DataVersion Description PredefinedDataName" + (" Code" if code else ""),
        flags="DeletionMark Predefined" + (" IsFolder" if hierarchical else ""),
    )
    several = names.pop("anys", "")
    return Type({**own, **fields(anys=f"Owner {several}" if owner == "several" else several, **names)}, sections or {})


def document(*, sections: Mapping[str, Properties] | None = None, **names: str) -> Type:
    """Describe a document."""
    own = fields(
        guids="Ref_Key",
        strings="DataVersion Number",
        moments="Date",
        flags="DeletionMark Posted",
    )
    return Type({**own, **fields(**names)}, sections or {})


def rows(**names: str) -> Properties:
    """Describe a tabular section's rows."""
    return fields(longs="LineNumber" + (f" {names.pop('longs')}" if "longs" in names else ""), **names)
