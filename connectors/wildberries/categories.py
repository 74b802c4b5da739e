"""What a card of a subject must tell, and in which form: an array of texts or one number.

Wildberries takes a characteristic's value in the form that its ``charcType`` says and no other; a number in quotes
refuses the card. Some characteristics have a field of their own in the card (brand, name, dimensions) and are
refused among the others, so they are no attributes here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property

from connectors.wildberries import paths
from connectors.wildberries.base import Base
from connectors.wildberries.shelf import VAT
from obmen.categories import Catalogue, CategoryAttribute, CategoryNode, Filled
from obmen.categories.judge import refusal
from obmen.errors import Refused
from obmen.records import Native

_UNUSED, _NUMBER = 0, 4
_SUBJECTS = 1000
_RUSSIAN = {"locale": "ru"}
_DIRECTORIES = {
    "Цвет": paths.COLORS,
    "Пол": paths.KINDS,
    "Страна производства": paths.COUNTRIES,
    "Сезон": paths.SEASONS,
    VAT: paths.VAT,
}
"""Characteristics whose values come from a list of Wildberries' own."""


class Categories(Base):
    """Subjects, the categories in which cards are made, each with its characteristics."""

    @cached_property
    def catalogue(self) -> Catalogue:
        """What is known of Wildberries' subjects."""
        return Catalogue(self)

    @cached_property
    def _lists(self) -> dict[str, dict[str, str]]:
        return {}

    def categories(self) -> Iterator[CategoryNode]:
        """Yield every subject with its parent category (``object/all``)."""
        offset = 0
        while True:
            params = {"limit": str(_SUBJECTS), "offset": str(offset), **_RUSSIAN}
            rows: list[Native] = self.call(paths.SUBJECTS, params=params)["data"]
            for row in rows:
                yield CategoryNode(str(row["subjectID"]), (row["parentName"], row["subjectName"]))
            if len(rows) < _SUBJECTS:
                return
            offset += _SUBJECTS

    def category_attributes(self, category: str) -> Sequence[CategoryAttribute]:
        """Return a subject's characteristics (``object/charcs``) but for those with a field of their own."""
        parts: dict[str, object] = {"subjectId": category}
        rows: list[Native] = self.call(paths.CHARACTERISTICS, parts=parts, params=_RUSSIAN)["data"]
        return [_attribute(row) for row in rows if row["charcType"] != _UNUSED and not row["existNamedField"]]

    def attribute_choices(
        self,
        category: str,  # noqa: ARG002 - the lists are the same everywhere
        attribute: CategoryAttribute,
        texts: Sequence[str],  # noqa: ARG002 - a list comes whole
    ) -> Mapping[str, str]:
        """Return text → text of the characteristic's list: Wildberries knows its values by their words."""
        if attribute.name not in self._lists:
            rows = self.call(_DIRECTORIES[attribute.name], params=_RUSSIAN)["data"]
            names = [str(row["name"]) if isinstance(row, dict) else str(row) for row in rows]
            self._lists[attribute.name] = {name: name for name in names}
        return self._lists[attribute.name]

    def characteristics(self, payload: Native, card: Native | None = None) -> list[Native]:
        """Return a payload's attributes and VAT as ``{id, value}``.

        ``card``: the card that they go to; what it has already need not be told. Raises Refused that names
        everything that is missing, unknown or does not fit.
        """
        category = str(payload.get("category") or "")
        if card is not None and category not in {"", str(card["subjectID"])}:
            message = (
                f"The card is of subject {card['subjectID']} '{card.get('subjectName', '')}', the categories file says "
                f"{category}. Wildberries moves no card to another subject: mend the file, or make the card anew."
            )
            raise Refused(message, code="other_subject", field="category")
        category = category or str(card["subjectID"] if card else "")
        told = list(payload.get("attributes") or [])
        if payload.get("vat") is not None:
            told.append({"attribute": VAT, "values": [str(payload["vat"])], "unit": "", "general": True})
        if card is not None and not told:
            return []
        filled, faults = self.catalogue.judge({"category": category, "attributes": told})
        has = {str(one["id"]) for one in (card or {}).get("characteristics") or []}
        faults = [fault for fault in faults if fault.kind != "missing" or fault.attribute not in has]
        if faults:
            raise refusal(category, faults)
        return [_value(one) for one in filled]


def _attribute(row: Native) -> CategoryAttribute:
    number = row["charcType"] == _NUMBER
    return CategoryAttribute(
        id=str(row["charcID"]),
        name=row["name"],
        required=row["required"],
        kind="number" if number else "text",
        choices=not number and row["name"] in _DIRECTORIES,
        many=not number and row["maxCount"] != 1,
        unit=row.get("unitName") or "",
        most=row["maxCount"] or None,
    )


def _value(filled: Filled) -> Native:
    number = int(filled.attribute.id)
    if filled.attribute.kind != "number":
        texts = [id_ or text for text, id_ in zip(filled.values, filled.ids, strict=True)]
        return {"id": number, "value": texts}
    value = Decimal(filled.values[0])
    return {"id": number, "value": int(value) if value == value.to_integral_value() else value}
