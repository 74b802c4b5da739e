"""Market's category tree and the characteristics of a category, as Obmen's categories file needs them.

Characteristics of one category may list thousands of values, and Market counts categories a minute; so what was
told of a category is kept for the run, and the longer memory of it is the catalogue's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from connectors.yandex_market import paths
from connectors.yandex_market.core import Market
from obmen.categories import Catalogue, CategoryAttribute, CategoryNode, Filled
from obmen.categories.model import Kind
from obmen.records import Native

GROUP = "200"
"""The id of the characteristic whose equal values put products on one card, in categories that allow it."""
_KINDS: dict[str, Kind] = {"TEXT": "text", "ENUM": "text", "NUMERIC": "number", "BOOLEAN": "boolean"}
_KEPT = 64


class Categories(Market):
    """Categories: leaves of Market's tree, each with its characteristics."""

    @cached_property
    def catalogue(self) -> Catalogue:
        """What is known of Market's categories."""
        return Catalogue(self)

    @cached_property
    def _described(self) -> dict[str, list[Native]]:
        return {}

    def categories(self) -> Iterator[CategoryNode]:
        """Yield the categories of the last level, the only ones in which Market makes cards."""
        tree = self.call(paths.CATEGORIES, safe=True, json={})["result"]
        for child in tree.get("children") or ():
            yield from _leaves(child, ())

    def category_attributes(self, category: str) -> Sequence[CategoryAttribute]:
        """Return a category's characteristics (``getCategoryContentParameters``).

        One that takes values of the seller's own beside Market's list counts as free text here.
        """
        return [_attribute(row) for row in self._parameters(category)]

    def attribute_choices(
        self,
        category: str,
        attribute: CategoryAttribute,
        texts: Sequence[str],  # noqa: ARG002 - the whole list comes with the category anyway
    ) -> Mapping[str, str]:
        """Return text → value id of the characteristic's whole list."""
        rows = (row for row in self._parameters(category) if str(row["id"]) == attribute.id)
        return {value["value"]: str(value["id"]) for row in rows for value in row.get("values") or ()}

    def parameter_values(self, payload: Mapping[str, Any]) -> list[Native]:
        """Return a card's characteristics as Market takes them; raises Refused that names all that is wrong.

        ``payload``: ``category``, ``attributes`` and, for variants that share a card, ``group``.
        """
        category = str(payload["category"])
        filled = self.catalogue.fill(payload)
        values = [value for one in filled for value in self._values(category, one)]
        group = payload.get("group")
        if group and all(one.attribute.id != GROUP for one in filled):
            known = self.catalogue.attributes(category)
            values += [{"parameterId": int(one.id), "value": group} for one in known if one.id == GROUP]
        return values

    def _values(self, category: str, filled: Filled) -> Iterator[Native]:
        """Market wants the id beside each value that is in its list, even where others may be sent too."""
        own = {} if filled.attribute.choices else self._listed(category, filled.attribute)
        for text, id_ in zip(filled.values, filled.ids, strict=True):
            value: Native = {"parameterId": int(filled.attribute.id), "value": text}
            known = id_ or own.get(text.casefold())
            if known is not None:
                value["valueId"] = int(known)
            yield value

    def _listed(self, category: str, attribute: CategoryAttribute) -> dict[str, str]:
        if attribute.kind != "text":
            return {}
        return {text.casefold(): id_ for text, id_ in self.attribute_choices(category, attribute, ()).items()}

    def _parameters(self, category: str) -> list[Native]:
        if category not in self._described:
            while len(self._described) >= _KEPT:
                del self._described[next(iter(self._described))]
            reply = self.call(paths.PARAMETERS, safe=True, ids={"categoryId": category})
            self._described[category] = reply.get("result.parameters") or []
        return self._described[category]


def _leaves(node: Native, above: tuple[str, ...]) -> Iterator[CategoryNode]:
    path = (*above, node["name"])
    children = node.get("children") or ()
    if not children:
        yield CategoryNode(str(node["id"]), path)
    for child in children:
        yield from _leaves(child, path)


def _attribute(row: Native) -> CategoryAttribute:
    unit = row.get("unit") or {}
    names = {one["id"]: one["name"] for one in unit.get("units") or ()}
    return CategoryAttribute(
        id=str(row["id"]),
        name=row.get("name") or str(row["id"]),
        required=row["required"],
        kind=_KINDS.get(row["type"], "text"),
        choices=row["type"] == "ENUM" and not row["allowCustomValues"],
        many=row["multivalue"],
        unit=names.get(unit.get("defaultUnitId"), ""),
    )
