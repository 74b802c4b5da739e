"""Product: the sellable variant (in 1C a номенклатура with its характеристика)."""

from __future__ import annotations

from typing import ClassVar, Literal

from obmen.entities.base import Key, Measure, Record, Text

Vat = Literal["none", "0", "5", "7", "10", "18", "20", "22"]


class Product(Record):
    """One thing that can be sold under one SKU; ``group`` joins the variants of one model.

    VAT is in percent, ``none`` for a seller who charges none. Images are URLs, the main one first.
    """

    entity: ClassVar[str] = "product"
    key_fields: ClassVar[tuple[str, ...]] = ("sku",)
    identity: ClassVar[bool] = True

    sku: Key
    name: Text | None = None
    description: str | None = None
    group: Text | None = None
    article: Text | None = None
    barcodes: tuple[Text, ...] | None = None
    images: tuple[str, ...] | None = None
    attributes: dict[str, str] | None = None
    category: tuple[Text, ...] | None = None
    brand: Text | None = None
    vat: Vat | None = None
    unit: Text | None = None
    weight_kg: Measure | None = None
    length_mm: Measure | None = None
    width_mm: Measure | None = None
    height_mm: Measure | None = None
    archived: bool | None = None
