"""A card as an import takes it: what is ours, and beside it all that stands in the cabinet and is not ours.

An import replaces the whole card: what it does not mention is gone. So what people have added in the cabinet
(videos, attributes that no rule fills, pictures of goods that 1C has none of) is read before and sent back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.ozon.categories import TYPE
from obmen.records import Native

_OWN_WORDS = {"category", "attributes", "group", "description", "barcodes", "barcode", "images"}
"""Fields of a payload that do not go into an import under this name, or not as they are."""
_DIMENSIONS = ("depth", "width", "height")
_VAT = {"0", "0.05", "0.07", "0.1", "0.2", "0.22"}
NEEDED = {
    "name": "name",
    "depth": "length_mm",
    "width": "width_mm",
    "height": "height_mm",
    "weight": "weight_kg",
    "vat": "vat",
    "price": "price",
}
"""Without what Ozon makes no card → what it is called in Obmen."""


@dataclass(frozen=True)
class Standing:
    """A card as it stands in the cabinet.

    ``row``: of ``ProductAPI_GetProductAttributesV4``; ``details``: of ``ProductAPI_GetProductInfoList``, which
    alone knows the VAT and the turning pictures.
    """

    row: Native
    details: Native

    @property
    def category(self) -> int:
        """The ``description_category_id``."""
        return int(self.row["description_category_id"])

    @property
    def pictures(self) -> list[str]:
        """Addresses at Ozon, the main picture first."""
        first = [self.row["primary_image"]] if self.row.get("primary_image") else []
        return list(dict.fromkeys([*first, *(self.row.get("images") or ())]))


@dataclass(frozen=True)
class Wanted:
    """A payload, and what Obmen has found out about it.

    ``pair``: the category's two numbers, if one was told. ``values``: the attributes as Ozon takes them.
    ``allowed``: the attributes that the category has, where that is known. ``before``: the payload that was
    confirmed last, and ``owned`` the attributes of which it spoke.
    """

    payload: Native
    pair: Mapping[str, int]
    values: Sequence[Native]
    allowed: Collection[int] | None
    before: Native | None
    owned: Collection[int]


def card_body(wanted: Wanted, standing: Standing | None, assumed: Mapping[str, Any]) -> Native:
    """Return one of the ``items`` of ``ProductAPI_ImportProductsV3``.

    ``assumed``: fields of a card that are used where neither we nor the cabinet know any.
    """
    body = {name: value for name, value in wanted.payload.items() if name not in _OWN_WORDS}
    kept = _kept(standing) if standing is not None else {}
    for name, value in {**assumed, **kept}.items():
        body.setdefault(name, value)
    body.setdefault("dimension_unit", "mm")
    body.setdefault("weight_unit", "g")
    return {
        **body,
        **_category(wanted.pair, standing),
        **_pictures(wanted, standing),
        **_barcode(wanted.payload, standing),
        "attributes": _attributes(wanted, standing),
    }


def barcodes_of(payload: Mapping[str, Any]) -> list[str]:
    """Return a payload's barcodes."""
    single = [payload["barcode"]] if payload.get("barcode") else []
    return list(dict.fromkeys([*single, *(payload.get("barcodes") or ())]))


def lacking(payload: Mapping[str, Any], assumed: Mapping[str, Any]) -> list[str]:
    """Return what Ozon wants of a new card and this one has not, in Obmen's words."""
    return [ours for name, ours in NEEDED.items() if not payload.get(name) and not assumed.get(name)]


def _kept(standing: Standing) -> Native:
    """Return what a card keeps where the payload does not speak of it."""
    row, details = standing.row, standing.details
    kept: Native = {"name": row["name"]} if row.get("name") else {}
    if all(row.get(name) for name in _DIMENSIONS) and row.get("dimension_unit") == "mm":
        kept.update({name: row[name] for name in _DIMENSIONS})
    if row.get("weight") and row.get("weight_unit") == "g":
        kept["weight"] = row["weight"]
    vat = _vat(details.get("vat"))
    more: Native = {
        "vat": vat,
        "color_image": row.get("color_image"),
        "images360": details.get("images360"),
        "complex_attributes": _nested(row.get("complex_attributes") or ()),
        "pdf_list": [
            {"index": number, "name": one.get("name", ""), "src_url": one["file_name"]}
            for number, one in enumerate(row.get("pdf_list") or ())
        ],
    }
    return {**kept, **{name: value for name, value in more.items() if value}}


def _category(pair: Mapping[str, int], standing: Standing | None) -> Native:
    """Return the category; a card that stands in another one is named by that and told the new one beside it."""
    if standing is None:
        return dict(pair)
    if not pair:
        return {"description_category_id": standing.category, "type_id": standing.row["type_id"]}
    if pair["description_category_id"] == standing.category:
        return dict(pair)
    moved = pair["description_category_id"]
    return {**pair, "description_category_id": standing.category, "new_description_category_id": moved}


def _attributes(wanted: Wanted, standing: Standing | None) -> list[Native]:
    ours = list(wanted.values)
    if standing is None:
        return ours
    spoken = {TYPE, *wanted.owned, *(int(one["id"]) for one in ours)}
    theirs = [
        {"complex_id": 0, "id": one["id"], "values": list(map(_value, one["values"]))}
        for one in standing.row.get("attributes") or ()
        if one["id"] not in spoken and not one.get("complex_id") and one.get("values")
    ]
    if wanted.allowed is not None:
        theirs = [one for one in theirs if one["id"] in wanted.allowed]
    return ours + theirs


def _pictures(wanted: Wanted, standing: Standing | None) -> Native:
    """Return our pictures if they are others than before; those that stand there otherwise, under Ozon's addresses.

    Sent under our own addresses again, each would be fetched and looked at anew.
    """
    ours = _ours(wanted.payload)
    there = standing.pictures if standing is not None else []
    before = None if wanted.before is None else _ours(wanted.before)
    if there and (before == ours or (before is None and not ours)):
        return {"images": there, "primary_image": ""}
    return {"images": list(wanted.payload.get("images") or ())}


def _ours(payload: Mapping[str, Any]) -> list[str]:
    first = [payload["primary_image"]] if payload.get("primary_image") else []
    return [*first, *(payload.get("images") or ())]


def _barcode(payload: Mapping[str, Any], standing: Standing | None) -> Native:
    """Return the one barcode that an import takes: the card's own first one stays, the others are added later."""
    there = standing.row if standing is not None else {}
    chosen = there.get("barcode") or next(iter(there.get("barcodes") or ()), None)
    chosen = chosen or next(iter(barcodes_of(payload)), None)
    return {"barcode": chosen} if chosen else {}


def _nested(rows: Sequence[Native]) -> list[Native]:
    """Turn attributes that are parts of another from how they are read into how they are sent."""
    groups: dict[int, list[Native]] = {}
    for row in rows:
        values = list(map(_value, row.get("values") or ()))
        groups.setdefault(row["complex_id"], []).append(
            {"complex_id": row["complex_id"], "id": row["id"], "values": values}
        )
    return [{"attributes": group} for group in groups.values()]


def _value(read: Native) -> Native:
    id_ = read.get("dictionary_value_id") or read.get("dictionaryValueId")
    return {"dictionary_value_id": id_, "value": read["value"]} if id_ else {"value": read["value"]}


def _vat(told: Any) -> str | None:
    """Return a rate as an import takes it: it is read with more places, such as "0.20"."""
    try:
        rate = f"{Decimal(str(told)).normalize():f}"
    except InvalidOperation:
        return None
    return rate if rate in _VAT else None
