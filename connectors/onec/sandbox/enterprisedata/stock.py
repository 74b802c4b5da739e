"""What the sandbox's base holds, and short ways to put it there. All names in it are invented.

An object is kept as a few plain fields; ``render`` makes of them what the format wants. Whatever changes is
registered for the node, as the exchange plan of a base does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from connectors.onec.sandbox import references

Spec = dict[str, Any]
Key = tuple[str, str]
Objects = dict[Key, Spec]

CONTRACT = "aa000000-0000-4000-8000-000000000001"
RETAIL = "ab000000-0000-4000-8000-000000000001"


class Shelf:
    """The objects of a base; ``changed`` is told of each that is new, changed or deleted."""

    def __init__(self, changed: Callable[[str, str], None]) -> None:
        self.objects: Objects = {}
        self._changed = changed

    def put(self, kind: str, ref: str, **fields: Any) -> str:
        """Add or change an object: the fields that are named; return its reference."""
        spec = self.objects.setdefault((kind, ref), {})
        spec.update(fields)
        spec.pop("deleted", None)
        self._changed(kind, ref)
        return ref

    def delete(self, kind: str, ref: str) -> None:
        """Mark an object for deletion."""
        self.objects[kind, ref]["deleted"] = True
        self._changed(kind, ref)

    def seed(self) -> None:
        """Put there what every base has: an organization, a buyer, a contract, warehouses, a type of prices."""
        self.put("Справочник.Организации", references.ORGANIZATION, name="ООО «Образец»", inn="7700000000")
        self.put("Справочник.Контрагенты", references.CONTRAGENT, name="Розничный покупатель", legal="ФизическоеЛицо")
        for name, ref in references.WAREHOUSES.items():
            self.put("Справочник.Склады", ref, name=name)
        parties = {"organization": references.ORGANIZATION, "contragent": references.CONTRAGENT}
        self.put("Справочник.Договоры", CONTRACT, name="Договор-образец", **parties)
        self.put("Справочник.ТипыЦен", RETAIL, name="Розничная", currency="643")
        self.put("Справочник.ЕдиницыИзмерения", references.PIECE, code="796", name="шт", full_name="Штука")

    def add_group(self, ref: str, name: str, parent: str = "") -> str:
        """Add a group of goods."""
        return self.put("Справочник.НоменклатураГруппа", ref, name=name, parent=parent)

    def add_product(
        self,
        ref: str,
        name: str,
        *,
        barcodes: Iterable[str] = (),
        variants: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> str:
        """Add a good with its barcodes and its characteristics (reference → name).

        ``fields``: article, code, full_name, group, unit (code and name), vat, description, brand, attributes.
        """
        self.put("Справочник.Номенклатура", ref, name=name, **fields)
        for variant, named in (variants or {}).items():
            self.put("Справочник.ХарактеристикиНоменклатуры", variant, name=named, product=ref)
        for code in barcodes:
            self.add_barcode(code, ref)
        return ref

    def add_barcode(self, code: str, product: str, variant: str = "") -> None:
        """Give a good, or one of its characteristics, a barcode."""
        self.put("Справочник.ШтрихкодыНоменклатуры", code, goods=[(product, variant)])

    def set_prices(
        self, ref: str, date: str, prices: Mapping[str, Sequence[tuple[str, ...]]], number: str = "УЦ-1"
    ) -> None:
        """Add a document that sets prices: a type's reference → rows.

        A row is good, characteristic (or ""), amount, and for a price of a pack its name and how many it holds.
        """
        self.put("Документ.УстановкаЦенНоменклатуры", ref, date=date, number=number, types=dict(prices))

    def add_order(self, ref: str, lines: Sequence[Spec], **fields: Any) -> str:
        """Add an order; a line has product, variant, quantity, price, vat, total."""
        known: Spec = {
            "number": "ОБ00-000001",
            "date": "2026-06-15T09:50:09",
            "organization": references.ORGANIZATION,
            "contragent": references.CONTRAGENT,
            "warehouse": references.WAREHOUSE,
            "currency": "643",
            "posted": True,
        }
        return self.put("Документ.ЗаказКлиента", ref, lines=list(lines), **{**known, **fields})

    def add_report(self, ref: str, sold: Sequence[Spec], returned: Sequence[Spec] = (), **fields: Any) -> str:
        """Add a report on retail sales, with lines as those of an order."""
        known: Spec = {
            "number": "РО-1",
            "date": "2026-06-15T23:59:59",
            "organization": references.ORGANIZATION,
            "warehouse": references.WAREHOUSE,
            "currency": "643",
        }
        lines = {"sold": list(sold), "returned": list(returned)}
        return self.put("Документ.ОтчетОРозничныхПродажах", ref, **{**known, **lines, **fields})

    def named(self, kind: str) -> dict[str, Spec]:
        """Return the objects of a kind by their references."""
        return {ref: spec for (type_, ref), spec in self.objects.items() if type_ == kind}
