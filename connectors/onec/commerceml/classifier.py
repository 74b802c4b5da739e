"""What an export says once for all its records: groups, properties, price types, warehouses, units.

Records refer to these by id; people and mappings know them by name. What stands here decides how records are
decoded, so its digests become part of their fingerprints: a renamed warehouse reaches every stock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import xxhash
from lxml import etree

Element = etree._Element  # noqa: SLF001 - lxml's only name for its elements' type
DECODING = "1"
"""Raised when records are decoded otherwise than before, so that unchanged ones are looked at again."""


@dataclass(slots=True)
class Classifier:
    """Names by id. Files are added newest first: what a newer one said stays.

    ``groups``: a group's names from the root down to itself. ``properties``: a property's name and the texts
    of its listed values by id. ``price_types``: name and currency. ``units``: a unit's fields by its id and
    by its code. ``prefixes``: the namespaces that records may use.
    """

    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    properties: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    price_types: dict[str, tuple[str, str]] = field(default_factory=dict)
    warehouses: dict[str, str] = field(default_factory=dict)
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    prefixes: dict[str, str] = field(default_factory=dict)
    revision: int = 0

    def add_groups(self, groups: Element) -> None:
        """Add the groups below a Группы element, however deep."""
        self.revision += 1
        waiting: list[tuple[Element, tuple[str, ...]]] = [(groups, ())]
        while waiting:
            parent, path = waiting.pop()
            for group in children(parent, "Группа"):
                own = (*path, text_of(group, "Наименование"))
                self.groups.setdefault(text_of(group, "Ид"), own)
                waiting += [(below, own) for below in children(group, "Группы")]

    def add_property(self, element: Element) -> None:
        """Add a Свойство element with its listed values."""
        self.revision += 1
        name = text_of(element, "Наименование")
        _, values = self.properties.setdefault(text_of(element, "Ид"), (name, {}))
        for variants in children(element, "ВариантыЗначений"):
            for value in variants:
                values.setdefault(text_of(value, "ИдЗначения"), text_of(value, "Значение"))

    def add_price_types(self, types: Element) -> None:
        """Add the types below a ТипыЦен element."""
        self.revision += 1
        for kind in children(types, "ТипЦены"):
            named = text_of(kind, "Наименование"), text_of(kind, "Валюта")
            self.price_types.setdefault(text_of(kind, "Ид"), named)

    def add_warehouses(self, warehouses: Element) -> None:
        """Add the warehouses below a Склады element."""
        self.revision += 1
        for warehouse in children(warehouses, "Склад"):
            self.warehouses.setdefault(text_of(warehouse, "Ид"), text_of(warehouse, "Наименование"))

    def add_units(self, units: Element) -> None:
        """Add the units below a ЕдиницыИзмерения element."""
        self.revision += 1
        for unit in children(units, "ЕдиницаИзмерения"):
            fields = texts_of(unit)
            for key in (fields.get("Ид", ""), fields.get("Код", "")):
                self.units.setdefault(key, fields)

    def price_type_names(self) -> dict[str, str]:
        """Return what each price type is called: its name, or its id where the name is not its alone."""
        return _unambiguous({key: name for key, (name, _) in self.price_types.items()})

    def warehouse_names(self) -> dict[str, str]:
        """Return what each warehouse is called: its name, or its id where the name is not its alone."""
        return _unambiguous(self.warehouses)

    def doubled_names(self) -> Iterator[tuple[str, str, list[str]]]:
        """Yield what is named alike: "price type" or "warehouse", the name, and the ids."""
        types = {key: name for key, (name, _) in self.price_types.items()}
        for kind, names in (("price type", types), ("warehouse", self.warehouses)):
            for name, count in Counter(names.values()).items():
                if count > 1:
                    yield kind, name, [key for key, other in names.items() if other == name]

    def product_salt(self) -> bytes:
        """The digest of what decides the decoding of products."""
        return _digest("product", self.groups, self.properties, self.units)

    def price_salt(self) -> bytes:
        """The digest of what decides the decoding of prices."""
        return _digest("price", self.price_types)

    def stock_salt(self) -> bytes:
        """The digest of what decides the decoding of stocks."""
        return _digest("stock", self.warehouses)


def local(element: Element) -> str:
    """Return the element's name without its namespace."""
    name = str(element.tag)
    return name.rpartition("}")[2] if name.startswith("{") else name


def children(element: Element, name: str) -> Iterator[Element]:
    """Yield the children of that local name."""
    return element.iterchildren(f"{{*}}{name}")


def text_of(element: Element, name: str) -> str:
    """Return the stripped text of the first child of that local name; empty if there is none."""
    for child in element.iterchildren(f"{{*}}{name}"):
        return (child.text or "").strip()
    return ""


def texts_of(element: Element) -> dict[str, str]:
    """Return the stripped texts of all children by their local names."""
    return {local(child): (child.text or "").strip() for child in element}


def _unambiguous(names: dict[str, str]) -> dict[str, str]:
    counts = Counter(names.values())
    return {key: name if name and counts[name] == 1 else key for key, name in names.items()}


def _digest(*parts: object) -> bytes:
    return xxhash.xxh3_128_digest(msgspec.json.encode((DECODING, *parts), order="sorted"))
