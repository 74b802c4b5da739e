"""What Market finds wrong with cards: some of it refuses the call, some of it names the offers that it means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from typing import Any

from connectors.yandex_market.card_body import DELETABLE
from connectors.yandex_market.sandbox import tree
from connectors.yandex_market.sandbox.cabinet import Invalid

_ID = re.compile(r"(?=.*\S.*)[^\x00-\x08\x0A-\x1f\x7f]{1,255}\Z")
_LONGEST = {"name": 256, "description": 6000}
_PICTURES = 30
_LONGEST_GROUP = 255
_SIZES = ("length", "width", "height", "weight")
_TRUTH = {"true", "false"}


def judged(sent: Sequence[dict[str, Any]], known: Container[str]) -> Iterator[dict[str, Any]]:
    """Yield ``results``: offers with errors or warnings. Raises Invalid where the call itself is refused."""
    ids = Counter(str(offer.get("offerId", "")).strip() for offer in sent)
    repeated = [id_ for id_, count in ids.items() if count > 1]
    if repeated:
        raise Invalid(f"Offers should have different ids. Following offers ids are repeating: {repeated}.")
    for index, offer in enumerate(sent):
        _refuse(index, offer)
    for offer in sent:
        errors = list(_errors(offer, new=offer["offerId"].strip() not in known))
        if errors:
            yield {"offerId": offer["offerId"], "errors": errors}
        elif offer.get("parameterValues") and "marketCategoryId" not in offer:
            message = "Передайте категорию вместе с характеристиками"
            yield {"offerId": offer["offerId"], "warnings": [{"type": "EMPTY_MARKET_CATEGORY", "message": message}]}


def _refuse(index: int, offer: dict[str, Any]) -> None:
    who = f"Offer at index {index}"
    if not isinstance(offer.get("offerId"), str) or not _ID.match(offer["offerId"]):
        raise Invalid(f"{who} should have valid offerId")
    for name, most in _LONGEST.items():
        if len(offer.get(name) or "") > most:
            raise Invalid(f"{who} should have '{name}' not longer than {most}")
    if len(offer.get("pictures") or ()) > _PICTURES:
        raise Invalid(f"{who} should have no more than {_PICTURES} pictures")
    sizes = offer.get("weightDimensions")
    if sizes is not None:
        for name in _SIZES:
            if not sizes.get(name, 0) > 0:
                raise Invalid(f"{who} should have weightDimensions.{name} greater than 0")
    for name in ("pictures", "barcodes", "tags"):
        values = offer.get(name)
        if values is not None and (not values or not all(values)):
            raise Invalid(f"{who} should not have empty values in list of '{name}'")
    deleted = set(offer.get("deleteParameters") or ())
    for name, word in DELETABLE.items():
        if word in deleted and name in offer:
            raise Invalid(f"{who} cannot have parameter '{name}' deleted and set at the same time")


def _errors(offer: dict[str, Any], *, new: bool) -> Iterator[dict[str, Any]]:
    category = offer.get("marketCategoryId")
    if category is None:
        if new:
            yield {"type": "EMPTY_MARKET_CATEGORY", "message": "Не указана категория на Маркете"}
        return
    if category in tree.branches():
        yield {"type": "INVALID_CATEGORY", "message": f"Категория {category} не листовая"}
        return
    if category not in tree.LEAVES.values():
        yield {"type": "UNKNOWN_CATEGORY", "message": f"Категории {category} нет"}
        return
    known = {row["id"]: row for row in tree.parameters(category)}
    for value in offer.get("parameterValues") or ():
        error = _value_error(known.get(value["parameterId"]), value)
        if error is not None:
            yield {"parameterId": value["parameterId"], **error}


def _value_error(row: dict[str, Any] | None, sent: dict[str, Any]) -> dict[str, str] | None:
    if row is None:
        return {"type": "UNKNOWN_PARAMETER", "message": f"У категории нет характеристики {sent['parameterId']}"}
    text, name = sent.get("value", ""), row["name"]
    units = {one["id"] for one in (row.get("unit") or {}).get("units") or ()}
    values = {one["id"] for one in row.get("values") or ()}
    own_only = row["type"] == "ENUM" and not row["allowCustomValues"]
    faults = {
        "UNEXPECTED_BOOLEAN_VALUE": row["type"] == "BOOLEAN" and text not in _TRUTH,
        "NUMBER_FORMAT": row["type"] == "NUMERIC" and re.fullmatch(r"-?\d+(\.\d+)?", text) is None,
        "INVALID_UNIT_ID": "unitId" in sent and sent["unitId"] not in units,
        "UNKNOWN_PARAMETER": own_only and sent.get("valueId") not in values,
        "INVALID_GROUP_ID_LENGTH": row["id"] == tree.GROUP and len(text) > _LONGEST_GROUP,
    }
    found = next((kind for kind, stands in faults.items() if stands), None)
    return None if found is None else {"type": found, "message": f"{name}: значение «{text}» не подходит"}
