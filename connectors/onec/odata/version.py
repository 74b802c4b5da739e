"""Which version of UT a base is, told by what it publishes: nothing else in the interface says it."""

from __future__ import annotations

from connectors.onec.odata.metadata import Metadata
from connectors.onec.odata.needs import ALLOCATION, FREE_STOCK, GOODS, PRICES_25, SUPPLY_AND_NEED

_LINES = ("Document_ЗаказКлиента_Товары_RowType", "Document_РеализацияТоваровУслуг_Товары_RowType")
_POINTS = "AccumulationRegister_БонусныеБаллы_RowType"


def vat_is_catalog(metadata: Metadata) -> bool:
    """Whether VAT rates are a catalog (11.5) rather than an enumeration (11.4)."""
    return any("СтавкаНДС_Key" in metadata.properties(name) for name in (GOODS, *_LINES))


def version_of(metadata: Metadata) -> str:
    """Return ``11.4``, ``11.5``, or closer ``11.5.8`` or ``11.5.20`` for one like it; empty where nothing tells.

    An 11.5 of which only a few objects are published may be any.
    """
    newer = (
        SUPPLY_AND_NEED in metadata.sets
        or "Излишек" in metadata.properties(ALLOCATION)
        or "Зарезервировано" in metadata.properties(_POINTS)
    )
    if newer:
        return "11.5.20"
    if "РезервПревышаетОстатки" in metadata.properties(ALLOCATION):
        return "11.5.8"
    if vat_is_catalog(metadata) or {PRICES_25, ALLOCATION} & metadata.sets:
        return "11.5"
    if FREE_STOCK in metadata.sets or "СтавкаНДС" in metadata.properties(GOODS):
        return "11.4"
    return ""
