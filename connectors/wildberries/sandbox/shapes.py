"""How Wildberries shows its records, field by field as the specification has them."""

from __future__ import annotations

from typing import Any

from connectors.wildberries.sandbox.cabinet import Card, Size, stamp
from connectors.wildberries.sandbox.catalogue import SUBJECTS, characteristics


def listed(card: Card) -> dict[str, Any]:
    """An item of ``get/cards/list``."""
    return {
        **_common(card),
        "imtID": card.imt_id,
        "nmUUID": f"00000000-0000-4000-8000-{card.nm_id:012d}",
        "brand": card.brand,
        "title": card.title,
        "description": card.description,
        "needKiz": False,
        "updatedAt": stamp(card.updated_at),
    }


def trashed(card: Card) -> dict[str, Any]:
    """An item of ``get/cards/trash``: it has neither name nor brand."""
    return {**_common(card), "trashedAt": stamp(card.trashed_at or 0.0)}


def _common(card: Card) -> dict[str, Any]:
    names = {row["charcID"]: row["name"] for row in characteristics(card.subject_id)}
    return {
        "nmID": card.nm_id,
        "vendorCode": card.vendor_code,
        "kizMarked": card.kiz_marked,
        "subjectID": card.subject_id,
        "subjectName": SUBJECTS[card.subject_id][1],
        "photos": [_photo(card, number) for number in range(1, len(card.photos) + 1)],
        "dimensions": {**card.dimensions, "isValid": bool(card.dimensions.get("length"))},
        "characteristics": [{**row, "name": names.get(row["id"], "")} for row in card.characteristics],
        "sizes": [_size(size) for size in card.sizes],
        "createdAt": stamp(card.created_at),
    }


def _photo(card: Card, number: int) -> dict[str, str]:
    base = f"https://basket.example/{card.nm_id}/images"
    return {name: f"{base}/{name}/{number}.webp" for name in ("big", "c246x328", "c516x688", "square", "tm")}


def _size(size: Size) -> dict[str, Any]:
    return {"chrtID": size.chrt_id, "techSize": size.tech_size, "wbSize": size.wb_size, "skus": size.skus}
