"""What Ozon finds wrong with a card that is imported."""

from __future__ import annotations

from collections.abc import Iterator, Set
from decimal import Decimal
from typing import NamedTuple

from connectors.ozon.sandbox import bodies
from connectors.ozon.sandbox.cabinet import Product
from connectors.ozon.sandbox.offers import CURRENCY_DIFFERS, money, price_faults
from connectors.ozon.sandbox.tree import LEAVES, attributes_of, is_open, values_of

VAT = {"0", "0.05", "0.07", "0.1", "0.2", "0.22"}
_LONGEST_ARTICLE, _LONGEST_NAME = 50, 255
_TYPE = 8229
_WRONG = "error_attribute_values_out_of_range"


class Fault(NamedTuple):
    """What is wrong: Ozon's code, its words, the field, and the attribute with its name."""

    code: str
    message: str
    field: str
    attribute: int = 0
    name: str = ""


def card_faults(card: bodies.Card, known: Product | None, currency: str, broken_pictures: Set[str]) -> Iterator[Fault]:
    """Yield all that keeps a card from being made, or changed if it is ``known``."""
    if not 0 < len(card.offer_id) <= _LONGEST_ARTICLE:
        yield Fault("EMPTY_REQUIRED", "offer_id must have 1 to 50 characters", "offer_id")
    if not card.name:
        yield Fault("EMPTY_REQUIRED", "name is empty", "name")
    if len(card.name) > _LONGEST_NAME:
        yield Fault("name_too_long", "name is longer than 255 characters", "name")
    if card.vat not in VAT:
        yield Fault("vat_invalid", f"no VAT {card.vat!r}", "vat")
    sized = card.depth and card.width and card.height and card.dimension_unit in {"mm", "cm", "in"}
    if not (sized and card.weight and card.weight_unit in {"g", "kg", "lb"}):
        yield Fault("missing_dimension", "dimensions or weight are missing", "dimensions")
    if card.images and set(card.images) <= broken_pictures:
        yield Fault("all_image_failed", "none of the pictures could be fetched", "images")
    yield from _category_faults(card, known)
    if card.currency_code != currency:
        yield Fault(CURRENCY_DIFFERS, f"the cabinet is in {currency}", "currency_code")
    price, old = money(card.price), money(card.old_price or "0")
    if price is None or old is None or price <= 0:
        yield Fault("price_is_negative", "no price", "price")
    else:
        yield from (Fault(code, message, "price") for code, message in price_faults(price, old, Decimal(0)))


def _category_faults(card: bodies.Card, known: Product | None) -> Iterator[Fault]:
    category = card.new_description_category_id or card.description_category_id
    pair = (category, card.type_id)
    field = "description_category_id"
    if not card.description_category_id:
        yield Fault("description_category_is_empty", "no category", field)
    elif not card.type_id:
        yield Fault("description_type_is_empty", "no type", "type_id")
    elif known is not None and card.description_category_id != known.card["description_category_id"]:
        yield Fault("description_category_invalid", "a card is moved by new_description_category_id", field)
    elif all(there != category for there, _ in LEAVES):
        yield Fault("description_category_invalid", f"no category {category}", field)
    elif pair not in LEAVES:
        yield Fault("description_category_has_no_description_type", f"no type {card.type_id} there", "type_id")
    elif not is_open(pair):
        yield Fault("description_category_is_legacy", f"the type {card.type_id} is closed", "type_id")
    else:
        yield from _attribute_faults(card, pair)


def _attribute_faults(card: bodies.Card, pair: tuple[int, int]) -> Iterator[Fault]:
    described = {row["id"]: row for row in attributes_of(pair)}
    given = {attribute.id for attribute in card.attributes} | {_TYPE}
    for row in described.values():
        if row["is_required"] and row["id"] not in given:
            yield Fault("EMPTY_REQUIRED", f"'{row['name']}' is required", "attributes", row["id"], row["name"])
    nested = [one for group in card.complex_attributes for one in group.attributes]
    for attribute in (*card.attributes, *nested):
        own = described.get(attribute.id)
        name = own["name"] if own is not None else ""
        if own is None or own["attribute_complex_id"] != attribute.complex_id:
            yield Fault(_WRONG, f"no attribute {attribute.id} in this category", "attributes", attribute.id)
        elif not attribute.values:
            message = "an attribute has no values"
            yield Fault("error_attribute_values_empty", message, "attributes", attribute.id, name)
        elif len(attribute.values) > (own["max_value_count"] or (100 if own["is_collection"] else 1)):
            yield Fault(_WRONG, f"too many values of '{name}'", "attributes", attribute.id, name)
        elif any(not _fits(pair, own["type"], attribute.id, value) for value in attribute.values):
            yield Fault(_WRONG, f"a wrong value of '{name}'", "attributes", attribute.id, name)


def _fits(pair: tuple[int, int], kind: str, attribute: int, value: bodies.AttributeValue) -> bool:
    listed = values_of(pair, attribute)
    if listed:
        return value.dictionary_value_id in listed
    if kind == "Decimal":
        return money(value.value) is not None
    return value.value in {"true", "false"} if kind == "Boolean" else bool(value.value)
