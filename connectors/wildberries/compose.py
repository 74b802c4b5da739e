"""What is sent of a card: a new one from what the source tells, an old one as it is but for what the source owns.

An update overwrites the whole card. So what is not ours to say (characteristics of a person's hand, other sizes,
earlier barcodes) is taken from the card as it was read and sent back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any

from connectors.wildberries.shelf import ONE_SIZE, size_name
from obmen.errors import Refused
from obmen.records import Native

_LONGEST_TITLE, _LONGEST_CODE = 60, 72
_TEXTS = ("brand", "title", "description")
_SIDES = ("length", "width", "height")
_GRAM = Decimal("0.001")
_MM_IN_CM = 10


def new_card(payloads: Sequence[Native], characteristics: Sequence[Native]) -> Native:
    """Return a variant of ``cards/upload`` for the payloads that are the sizes of one card."""
    card = {"vendorCode": str(payloads[0]["vendorCode"]), **_shared(payloads[0])}
    if characteristics:
        card["characteristics"] = list(characteristics)
    card["sizes"] = [_size(payload) for payload in payloads]
    return card


def changed_card(card: Native, payloads: Sequence[Native], characteristics: Sequence[Native]) -> Native:
    """Return an item of ``cards/update``: the card as it was read, changed where the payloads say otherwise."""
    body = as_sent(card)
    ours = _shared(payloads[0])
    body["dimensions"] = {**body.get("dimensions", {}), **ours.pop("dimensions", {})}
    body.update(ours)
    said = {one["id"]: one for one in characteristics}
    kept = [said.pop(one["id"], one) for one in body["characteristics"]]
    body["characteristics"] = [*kept, *said.values()]
    for payload in payloads:
        _put_size(body["sizes"], payload)
    return body


def as_sent(card: Native) -> Native:
    """Return an item of ``cards/update`` that would change nothing."""
    body: Native = {"nmID": card["nmID"], "vendorCode": card["vendorCode"]}
    body.update({name: card[name] for name in _TEXTS if card.get(name)})
    body["kizMarked"] = bool(card.get("kizMarked"))
    dimensions = card.get("dimensions") or {}
    if dimensions:
        body["dimensions"] = {name: dimensions[name] for name in (*_SIDES, "weightBrutto") if name in dimensions}
    body["characteristics"] = [
        {"id": one["id"], "value": one["value"]} for one in card.get("characteristics") or [] if "value" in one
    ]
    body["sizes"] = [
        {name: size[name] for name in ("chrtID", "techSize", "wbSize", "skus") if name in size}
        for size in card.get("sizes") or []
    ]
    return body


def _shared(payload: Native) -> Native:
    """What a payload says of the card as a whole."""
    card: Native = {name: payload[name] for name in _TEXTS if payload.get(name)}
    if len(card.get("title", "")) > _LONGEST_TITLE:
        message = f"Wildberries takes {_LONGEST_TITLE} characters of a name, this one has {len(card['title'])}."
        raise Refused(f"{message} Shorten it, or map a shorter field to title.", code="title_too_long", field="title")
    if len(str(payload["vendorCode"])) > _LONGEST_CODE:
        message = f"Wildberries takes {_LONGEST_CODE} characters of a vendor code."
        raise Refused(message, code="vendor_code_too_long", field="vendorCode")
    if payload.get("kizMarked") is not None:
        card["kizMarked"] = bool(payload["kizMarked"])
    dimensions = _dimensions(payload.get("dimensions") or {})
    if dimensions:
        card["dimensions"] = dimensions
    return card


def _dimensions(told: Mapping[str, Any]) -> Native:
    """Whole centimetres, rounded up so that the package fits, and kilograms to the gram."""
    body: Native = {
        side: int((Decimal(str(told[f"{side}_mm"])) / _MM_IN_CM).to_integral_value(ROUND_CEILING))
        for side in _SIDES
        if told.get(f"{side}_mm") is not None
    }
    if told.get("weight_kg") is not None:
        body["weightBrutto"] = Decimal(str(told["weight_kg"])).quantize(_GRAM).normalize()
    return body


def _size(payload: Native) -> Native:
    size: Native = {}
    if str(payload.get("techSize") or ONE_SIZE) != ONE_SIZE:
        size = {"techSize": str(payload["techSize"]), "wbSize": str(payload.get("wbSize") or payload["techSize"])}
    if payload.get("skus"):
        size["skus"] = list(payload["skus"])
    return size


def _put_size(sizes: list[Native], payload: Native) -> None:
    """Change the payload's size among a card's, or add it; barcodes can only be added."""
    name = str(payload.get("techSize") or ONE_SIZE)
    for size in sizes:
        if size_name(size) == name:
            told = [*size.get("skus", []), *(payload.get("skus") or [])]
            size["skus"] = list(dict.fromkeys(told))
            if payload.get("wbSize") and name != ONE_SIZE:
                size["wbSize"] = str(payload["wbSize"])
            return
    sizes.append(_size(payload))
