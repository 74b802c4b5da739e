"""Stock of one SKU in one warehouse."""

from __future__ import annotations

from typing import ClassVar

from obmen.entities.base import Key, Quantity, Record


class Stock(Record):
    """What may be sold of one SKU from one warehouse: ``available`` is free of what is ``reserved``."""

    entity: ClassVar[str] = "stock"
    key_fields: ClassVar[tuple[str, ...]] = ("sku", "warehouse")
    subject: ClassVar[tuple[str, tuple[str, ...]]] = ("product", ("sku",))

    sku: Key
    warehouse: Key
    available: Quantity
    reserved: Quantity | None = None
