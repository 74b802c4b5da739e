"""Price of one SKU by one price type."""

from __future__ import annotations

from typing import ClassVar

from obmen.entities.base import Currency, Instant, Key, Money, Record


class Price(Record):
    """What one SKU costs.

    ``old_amount`` is the crossed-out price, ``min_amount`` the floor below which a channel may not discount.
    """

    entity: ClassVar[str] = "price"
    key_fields: ClassVar[tuple[str, ...]] = ("sku", "price_type")
    subject: ClassVar[tuple[str, tuple[str, ...]]] = ("product", ("sku",))

    sku: Key
    price_type: Key
    amount: Money
    currency: Currency
    old_amount: Money | None = None
    min_amount: Money | None = None
    valid_from: Instant | None = None
