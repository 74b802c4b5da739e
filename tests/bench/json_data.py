"""Answers of an invented peer with its prices, a page of 1,000 a line, about 700 bytes a record."""

from __future__ import annotations

import json
from pathlib import Path

PAGE = 1000
BUFFER = 1 << 20
"""Bytes that a reader of the answers takes at once, more than any of them has."""
_TEXTS = {f"field_{number:02d}": f"value {number} of an invented good, not mapped" for number in range(11)}


def sku(number: int) -> str:
    """Name the record of that number."""
    return f"BENCH-{number:07d}"


def write_answers(path: Path, records: int) -> None:
    """Write so many prices, page by page."""
    with path.open("wb") as file:
        for start in range(0, records, PAGE):
            items = [_price(number) for number in range(start, min(start + PAGE, records))]
            file.write(json.dumps({"result": {"items": items}}, ensure_ascii=False).encode() + b"\n")


def _price(number: int) -> dict[str, object]:
    return {
        "offer_id": sku(number),
        "price": f"{100 + number % 9000}.00",
        "currency_code": "RUB",
        "product_id": 500_000 + number,
        "name": f"Выдуманный товар № {number}",
        "vat": 0.2,
        "is_visible": True,
        "commissions": {"sales_percent": 12.5, "delivery_amount": number % 90},
        **_TEXTS,
    }
