"""The sums of an order's row that was split or priced anew, to the kopeck: what is taken apart comes to what it was."""

from __future__ import annotations

from decimal import Decimal

from connectors.onec.odata.lines import number
from connectors.onec.odata.order_body import kopecks, percent, vat_of
from connectors.onec.options import OrderOptions
from obmen.errors import Refused
from obmen.records import Native

_SUMS = (
    "Сумма",
    "СуммаРучнойСкидки",
    "СуммаАвтоматическойСкидки",
    "СуммаБонусныхБалловКСписанию",
    "СуммаБонусныхБалловКСписаниюВВалюте",
    "СуммаНачисленныхБонусныхБалловВВалюте",
)


def shares(
    row: Native, quantity: Decimal, options: OrderOptions, *, with_vat: bool
) -> dict[str, tuple[Decimal, Decimal]]:
    """Return what so much of a row comes to and what the rest does, by property."""
    whole = number(row.get("Количество"))
    packs = number(row.get("КоличествоУпаковок"))
    parts = {"Количество": quantity, "КоличествоУпаковок": packs * quantity / whole}
    parts |= {name: kopecks(number(row[name]) * quantity / whole) for name in _SUMS if name in row}
    part = parts["Сумма"]
    parts["СуммаНДС"] = _vat(row, part, options, with_vat=with_vat)
    parts["СуммаСНДС"] = part if with_vat else part + parts["СуммаНДС"]
    return {name: (value, number(row.get(name)) - value) for name, value in parts.items()}


def resummed(
    row: Native, price: Decimal, total: Decimal, options: OrderOptions, *, with_vat: bool
) -> dict[str, Decimal]:
    """Return the sums of a row at another price, or come to another total."""
    full = kopecks(number(row.get("Количество")) * price)
    discount = full - total
    vat = _vat(row, total, options, with_vat=with_vat)
    return {
        "Цена": price,
        "Сумма": total,
        "СуммаРучнойСкидки": discount,
        "ПроцентРучнойСкидки": kopecks(discount * 100 / full) if full else Decimal(0),
        "СуммаНДС": vat,
        "СуммаСНДС": total if with_vat else total + vat,
    }


def _vat(row: Native, total: Decimal, options: OrderOptions, *, with_vat: bool) -> Decimal:
    """Reckon the VAT by the row's own rate; by its share, where the options do not tell that rate's percent."""
    try:
        rate = percent(str(row.get("СтавкаНДС_Key") or row.get("СтавкаНДС")), options)
    except Refused:
        whole = number(row.get("Сумма"))
        return kopecks(number(row.get("СуммаНДС")) * total / whole) if whole else Decimal(0)
    return vat_of(total, rate, with_vat=with_vat)
