"""Edits an export of 1C as if its owner had changed prices, byte for byte the same elsewhere.

The demonstration shows that exactly the changed goods are written; an edit that touched anything else would
prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from decimal import Decimal
from pathlib import Path

_KOPECK = Decimal("0.01")


def reprice(folder: Path, ids: Collection[str], price_type: str, change: Callable[[Decimal], Decimal]) -> int:
    """Change the price of these offers (Ид) in this price type (ИдТипаЦены); return how many were found."""
    found = 0
    for path in sorted(folder.rglob("*.xml")):
        text = path.read_bytes()
        edited, count = _edited(text, {one.encode() for one in ids}, price_type.encode(), change)
        if count:
            path.write_bytes(edited)
            found += count
    return found


def _edited(
    text: bytes, ids: Collection[bytes], price_type: bytes, change: Callable[[Decimal], Decimal]
) -> tuple[bytes, int]:
    """Edit within the offers of a file; the tags tell its encoding."""
    encoding = "windows-1251" if "<Предложение>".encode("windows-1251") in text else "utf-8"
    open_, close, id_, type_, price = (
        word.encode(encoding) for word in ("Предложение", "/Предложение", "Ид", "ИдТипаЦены", "ЦенаЗаЕдиницу")
    )
    offer = re.compile(b"<%s>.*?<%s>" % (open_, close), re.DOTALL)
    named = re.compile(b"<%s>([^<]*)</" % id_)
    priced = re.compile(b"(<%s>%s</%s>\\s*<%s>)([^<]+)" % (type_, re.escape(price_type), type_, price))
    count = 0

    def new_price(match: re.Match[bytes]) -> bytes:
        nonlocal count
        count += 1
        amount = change(Decimal(match[2].decode())).quantize(_KOPECK)
        return match[1] + str(amount).encode()

    def new_offer(match: re.Match[bytes]) -> bytes:
        name = named.search(match[0])
        return priced.sub(new_price, match[0]) if name and name[1] in ids else match[0]

    return offer.sub(new_offer, text), count
