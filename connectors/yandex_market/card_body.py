"""A card as Market takes it: what changed, what is gone, and nothing that is not ours.

Market changes only the fields that it is sent, so a field that is missing stays as it is, and one that is to go
has to be named in ``deleteParameters``; naming and sending it at once is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from obmen.records import Item, Native

DELETABLE = {
    "barcodes": "BARCODES",
    "description": "DESCRIPTION",
    "manufacturerCountries": "MANUFACTURER_COUNTRIES",
    "pictures": "PICTURES",
    "tags": "TAGS",
    "vendorCode": "VENDOR_CODE",
}
"""Fields of an offer that can be emptied → their names in ``deleteParameters``."""
NEEDED = {"name": "name", "pictures": "images", "vendor": "brand", "description": "description"}
"""What Market wants of a new card → what it is called in Obmen."""
_SIZES = ("length", "width", "height", "weight")


def offer_body(item: Item, values: list[Native]) -> Native:
    """Return one of ``offerMappings``: the fields that differ from what was confirmed last, where that is known.

    ``values``: the characteristics. The category goes along always: without it Market guesses one.
    """
    told: Mapping[str, Any] = item.payload["offer"]
    before: Mapping[str, Any] = (item.before or {}).get("offer") or {}
    offer = {name: value for name, value in told.items() if not _empty(value) and before.get(name) != value}
    gone = {name for name, value in told.items() if _empty(value)} | {name for name in before if name not in told}
    offer["offerId"] = item.native_id or item.id
    if any(not offer.get("weightDimensions", {}).get(name) for name in _SIZES):
        offer.pop("weightDimensions", None)
    if item.payload.get("category"):
        offer["marketCategoryId"] = int(item.payload["category"])
    if values:
        offer["parameterValues"] = values
    deleted = sorted(DELETABLE[name] for name in gone if name in DELETABLE)
    if deleted and item.native_id is not None:
        offer["deleteParameters"] = deleted
    return {"offer": offer}


def lacking(payload: Mapping[str, Any]) -> list[str]:
    """Return what Market wants of a new card and this one has not, in Obmen's words."""
    offer = payload["offer"]
    missing = [ours for name, ours in NEEDED.items() if _empty(offer.get(name))]
    return missing if payload.get("category") else [*missing, "category (see the categories file)"]


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], ())
