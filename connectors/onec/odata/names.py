"""What references mean to people: the names in 1C's small catalogs (currencies, warehouses, tills, programmes).

A record that names a warehouse by a GUID says nothing outside its base. The catalogs are small and rarely change,
so each is read once a pass, when it is first asked for; one that is not published is empty, and its records go on
without the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.options import OrderOptions
from obmen.records import Native

_WANTED = ("Ref_Key", "Code", "Description", "Owner_Key", "БонуснаяПрограммаЛояльности_Key", "Ставка")
_PERCENT = re.compile(r"\d+")
NO_VAT = "Без НДС"


class Names:
    """The small catalogs of one base, each read once until ``forget``, and again for what is new in it.

    What the connection's ``order:`` section calls a reference is its name before the base's own.
    """

    def __init__(self, base: OData, order: OrderOptions | None) -> None:
        self._base = base
        self._catalogs: dict[str, dict[str, Native]] = {}
        self._missed: set[tuple[str, str]] = set()
        self._warehouses = _turned(order.warehouses) if order else {}
        self._currencies = _turned(order.currencies) if order else {}
        self._rates = _turned(order.vat_rates) if order else {}

    def row(self, catalog: str, ref: Any) -> Native:
        """Return what is kept of an element of ``Catalog_<catalog>``; empty for one that is not there."""
        if not ref or ref == NO_REF:
            return {}
        known = self._catalogs.get(catalog)
        if known is None or (ref not in known and (catalog, ref) not in self._missed):
            known = self._catalogs[catalog] = self._read(f"Catalog_{catalog}")
            if ref not in known:
                self._missed.add((catalog, ref))
        return known.get(ref, {})

    def forget(self) -> None:
        """Read the catalogs anew when they are asked for next: somebody may have renamed what is in them."""
        self._catalogs.clear()
        self._missed.clear()

    def of(self, catalog: str, ref: Any) -> str | None:
        """Return the element's Description, None where there is none."""
        return str(self.row(catalog, ref).get("Description") or "") or None

    def warehouse(self, ref: Any) -> str | None:
        """Return the name of a warehouse."""
        return self._warehouses.get(str(ref)) or self.of("Склады", ref)

    def currency(self, ref: Any) -> Native:
        """Return ``Валюта`` and ``КодВалюты`` of a currency, as far as they are told."""
        if told := self._currencies.get(str(ref)):
            return {"Валюта": told}
        row = self.row("Валюты", ref)
        named = {"Валюта": row.get("Description"), "КодВалюты": row.get("Code")}
        return {name: str(value).strip() for name, value in named.items() if value}

    def vat(self, row: Native) -> str | None:
        """Return the VAT of a document's line as ``20`` or ``Без НДС``; None where the line tells nothing known.

        The rate is a reference in 11.5 and an enumeration's value (``НДС20``, ``БезНДС``) in 11.4.
        """
        ref, value = row.get("СтавкаНДС_Key"), str(row.get("СтавкаНДС") or "")
        if told := self._rates.get(str(ref or value).lower()):
            return NO_VAT if told == "none" else told
        said = self.of("СтавкиНДС", ref) or value
        if "без" in said.lower():
            return NO_VAT
        percent = _PERCENT.search(said)
        return percent[0] if percent else None

    def _read(self, entity_set: str) -> dict[str, Native]:
        metadata = self._base.metadata()
        if entity_set not in metadata.sets:
            return {}
        known = metadata.properties(entity_set)
        select = tuple(name for name in _WANTED if name in known) or ("Ref_Key", "Description")
        return {
            str(row["Ref_Key"]): row for rows in self._base.pages(entity_set, where="", select=select) for row in rows
        }


def _turned(table: Mapping[Any, str]) -> dict[str, str]:
    return {ref.lower(): name for name, ref in table.items()}
