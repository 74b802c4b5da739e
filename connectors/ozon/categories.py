"""Ozon's category tree and the attributes of a category, as Obmen's categories file needs them.

A card is made in a category of the last level and with a type that belongs to it, so the id of a category is both
numbers, ``description_category_id:type_id``. Lists of values may hold hundreds of thousands (brands), so a long
one is searched by words, and one that is the same everywhere is asked for once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from connectors.ozon import paths
from obmen import units
from obmen.categories import Catalogue, CategoryAttribute, CategoryNode, Filled
from obmen.categories.judge import find_attribute
from obmen.categories.model import Kind
from obmen.connector import Connector
from obmen.errors import IncompleteSource, Refused
from obmen.records import Native

MODEL, DESCRIPTION, TYPE = 9048, 4191, 8229
"""Attributes that every card has and no rule need fill: what joins variants, the description, the type's name."""
_FILLED = {MODEL, DESCRIPTION, TYPE}
_KINDS: dict[str, Kind] = {"boolean": "boolean", "integer": "number", "decimal": "number"}
_VALUES_LIMIT, _FOUND_LIMIT, _SHORTEST = 2000, 100, 2
_KEPT = 64


class Categories(Connector):
    """Categories: a leaf of Ozon's tree with one of its types."""

    @cached_property
    def catalogue(self) -> Catalogue:
        """What is known of Ozon's categories."""
        return Catalogue(self)

    @cached_property
    def _category_rows(self) -> dict[str, list[Native]]:
        return {}

    @cached_property
    def _value_lists(self) -> dict[str, dict[str, str]]:
        """Values by text that were told in this process, of each list that was asked for."""
        return {}

    def categories(self) -> Iterator[CategoryNode]:
        """Yield every type in its category, but for those in which nothing can be made any more."""
        for node in self.http.post(paths.CATEGORY_TREE, json={"language": "RU"}, safe=True)["result"]:
            yield from _types(node, (), 0)

    def category_attributes(self, category: str) -> Sequence[CategoryAttribute]:
        """Return a category's attributes (``DescriptionCategoryAPI_GetAttributes``).

        Those that are parts of another (videos, their covers) are left out: see ``card_body`` on what becomes of them.
        """
        return [_attribute(row) for row in self._attributes(category) if not row.get("attribute_complex_id")]

    def attribute_choices(self, category: str, attribute: CategoryAttribute, texts: Sequence[str]) -> Mapping[str, str]:
        """Return text → value id; of a list that fits into one answer, all of it."""
        row = next((one for one in self._attributes(category) if str(one["id"]) == attribute.id), {})
        shared = row.get("dictionary_id") if row.get("category_dependent") is False else None
        known = self._value_lists.setdefault(f"*/{shared}" if shared else f"{category}/{attribute.id}", {})
        told = {_folded(text) for text in known}
        lacking = [text for text in texts if _folded(text) not in told]
        if lacking or not texts:
            known.update(self._values_of(category, int(attribute.id), lacking))
        return known

    def attribute_values(self, payload: Mapping[str, Any]) -> list[Native]:
        """Return a card's attributes as Ozon takes them; raises Refused that names all that is wrong.

        ``payload``: ``category`` and ``attributes`` as a mapping's ``categories`` writes them, ``description``,
        and ``group``, which joins variants of one model; a product without one is a model of its own. Attributes
        that have an ``id`` are in Ozon's own words already, and stay as they are.
        """
        entries = payload.get("attributes") or []
        own = [entry for entry in entries if "id" in entry]
        usual = {MODEL: payload.get("group") or payload.get("name") or payload["offer_id"]}
        if payload.get("description"):
            usual[DESCRIPTION] = payload["description"]
        usual = {id_: text for id_, text in usual.items() if all(entry["id"] != id_ for entry in own)}
        if not payload.get("category"):
            return [{"complex_id": 0, "id": id_, "values": [{"value": text}]} for id_, text in usual.items()] + own
        told = [entry for entry in entries if "id" not in entry]
        told += [{"attribute": str(id_), "values": [text], "general": True} for id_, text in usual.items()]
        return [*map(as_sent, self.catalogue.fill({**payload, "attributes": told})), *own]

    def owned_attributes(self, payload: Mapping[str, Any]) -> set[int]:
        """Return the ids of the attributes that a payload, such as the one confirmed last, speaks of."""
        entries = payload.get("attributes") or []
        owned = {MODEL, *(int(entry["id"]) for entry in entries if "id" in entry)}
        if payload.get("description"):
            owned.add(DESCRIPTION)
        described = self.catalogue.attributes(str(payload["category"])) if payload.get("category") else ()
        found = (find_attribute(described, str(entry["attribute"])) for entry in entries if "id" not in entry)
        return owned | {int(one.id) for one in found if one is not None}

    def _attributes(self, category: str) -> list[Native]:
        if category not in self._category_rows:
            while len(self._category_rows) >= _KEPT:
                del self._category_rows[next(iter(self._category_rows))]
            body = {**pair_of(category), "language": "RU"}
            self._category_rows[category] = self.http.post(paths.ATTRIBUTES, json=body, safe=True)["result"]
        return self._category_rows[category]

    def _values_of(self, category: str, attribute: int, texts: Iterable[str]) -> dict[str, str]:
        """Return a short list whole; of a long one what the texts find, reading on for those too short to search."""
        asked = {**pair_of(category), "attribute_id": attribute}
        first, more, last = self._page_of_values(asked, 0)
        if not more:
            return first
        found = dict(first)
        told = {_folded(text) for text in first}
        short = {_folded(text) for text in texts if len(text) < _SHORTEST} - told
        for text in texts:
            if len(text) >= _SHORTEST and _folded(text) not in told:
                body = {**asked, "limit": _FOUND_LIMIT, "value": text}
                found.update(_by_text(self.http.post(paths.VALUES_SEARCH, json=body, safe=True)["result"]))
        while short and more:
            page, more, last = self._page_of_values(asked, last)
            found.update(page)
            short -= {_folded(text) for text in page}
        return found

    def _page_of_values(self, asked: Native, last: int) -> tuple[dict[str, str], bool, int]:
        body = {**asked, "language": "RU", "last_value_id": last, "limit": _VALUES_LIMIT}
        reply = self.http.post(paths.VALUES, json=body, safe=True)
        rows: list[Native] = reply["result"]
        if reply["has_next"] and (not rows or rows[-1]["id"] == last):
            raise IncompleteSource(f"{reply.what}: the list has more to give but does not go on.")
        return _by_text(rows), reply["has_next"], rows[-1]["id"] if rows else last


def as_sent(filled: Filled) -> Native:
    """Return an attribute in the words of an import."""
    values: list[Native] = []
    for text, id_ in zip(filled.values, filled.ids, strict=True):
        values.append({"value": text} if id_ is None else {"dictionary_value_id": int(id_), "value": text})
    return {"complex_id": 0, "id": int(filled.attribute.id), "values": values}


def pair_of(category: str) -> Native:
    """Return a category's two numbers by Ozon's names; raises Refused for what is no category of Ozon's."""
    parent, _, type_id = category.partition(":")
    if not (parent.isdecimal() and type_id.isdecimal()):
        message = f"'{category}' is no category of Ozon's: description_category_id:type_id is expected."
        raise Refused(f"{message} obmen categories finds it by words.", code="bad_category", field="category")
    return {"description_category_id": int(parent), "type_id": int(type_id)}


def _types(node: Native, above: tuple[str, ...], parent: int) -> Iterator[CategoryNode]:
    if node.get("disabled"):
        return
    if node.get("type_id"):
        yield CategoryNode(f"{parent}:{node['type_id']}", (*above, node.get("type_name") or str(node["type_id"])))
        return
    path = (*above, node.get("category_name") or str(node["description_category_id"]))
    for child in node.get("children") or ():
        yield from _types(child, path, node["description_category_id"])


def _attribute(row: Native) -> CategoryAttribute:
    name = row.get("name") or str(row["id"])
    kind = _KINDS.get(str(row.get("type")).casefold(), "text")
    tail = name.rpartition(",")[2].strip()
    return CategoryAttribute(
        id=str(row["id"]),
        name=name,
        required=bool(row.get("is_required")) and row["id"] not in _FILLED,
        kind=kind,
        choices=bool(row.get("dictionary_id")),
        many=bool(row.get("is_collection")),
        unit=tail if kind == "number" and tail != name and units.known(tail) else "",
        most=row.get("max_value_count") or None,
    )


def _by_text(rows: Iterable[Native]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        found.setdefault(row["value"], str(row["id"]))
    return found


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
