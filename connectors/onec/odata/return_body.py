"""The body of a return, or of a request for one, reckoned from a payload: pure, so that it can be tested.

1C wants to know which shipment the goods came back from, to give them back their cost; a channel knows only its
order. So each line is tied to a shipment of the order that holds its product, where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_UP, Decimal

from connectors.onec.odata.lines import number, product_id
from connectors.onec.odata.marks import mark
from connectors.onec.odata.metadata import Metadata
from connectors.onec.odata.order_body import CHANNEL, REFERENCES, kopecks, product_of, sums_of
from connectors.onec.options import OrderOptions
from obmen.errors import Refused
from obmen.records import Native

RETURN = "Document_ВозвратТоваровОтКлиента"
REQUEST = "Document_ЗаявкаНаВозвратТоваровОтКлиента"
SHIPMENT = "Document_РеализацияТоваровУслуг"
SECTIONS: Mapping[str, str] = {RETURN: "Товары", REQUEST: "ВозвращаемыеТовары"}
NUMBER = "Номер"
WORD = "возврат"

_ONLY_IN_PAYLOAD = frozenset({CHANNEL, NUMBER, "Заказ", "Состояние", "Причина", "Товары"})
_TRANSLATED = frozenset({"Товар", "СтавкаНДС"})


def mark_of(payload: Native) -> str:
    """Return the name under which a return is marked in 1C: the channel and its number."""
    return f"{payload[CHANNEL]} {payload[NUMBER]}"


def return_body(
    entity_set: str, payload: Native, shipments: Sequence[Native], options: OrderOptions, metadata: Metadata
) -> Native:
    """Return the body to send: sums reckoned, references filled in, every name known to the base.

    Raises Refused with the field that is wrong.
    """
    if not payload.get("Date"):
        message = "The return has no Date, and 1C takes none without. Map occurred_at to Date."
        raise Refused(message, code="no_date", field="Date")
    known = metadata.properties(entity_set)
    body = {name: value for name, value in payload.items() if name not in _ONLY_IN_PAYLOAD and value is not None}
    given = {option: getattr(options, option) for option in REFERENCES}
    for option, (name, _) in REFERENCES.items():
        if given[option] is not None and name in known:
            body.setdefault(name, given[option])
    body.setdefault("Склад_Key", next(iter(options.warehouses.values())))
    body.setdefault("НалогообложениеНДС", options.taxation)
    body.setdefault("ЦенаВключаетНДС", options.price_includes_vat)
    body["Комментарий"] = mark(WORD, mark_of(payload), _comment(payload))
    section = SECTIONS[entity_set]
    body[section] = _rows(entity_set, payload, shipments, options, metadata)
    body["СуммаДокумента"] = sum((row["СуммаСНДС"] for row in body[section]), Decimal(0))
    basis = "ДокументРеализации" if entity_set == RETURN else "ДокументОснование"
    based = [str(row["ДокументРеализации"]) for row in body[section] if "ДокументРеализации" in row]
    if based and basis in known:
        body |= tied(basis, based[0])
    metadata.require(entity_set, body)
    return body


def _comment(payload: Native) -> str:
    return " ".join(str(payload[name]) for name in ("Причина", "Комментарий") if payload.get(name))


def _rows(
    entity_set: str, payload: Native, shipments: Sequence[Native], options: OrderOptions, metadata: Metadata
) -> list[Native]:
    lines = payload.get("Товары") or []
    if not lines:
        message = "The return has no lines. Map them to Товары."
        raise Refused(message, code="no_lines", field="Товары")
    known = metadata.properties(metadata.properties(entity_set)[SECTIONS[entity_set]].rows)
    with_vat = bool(payload.get("ЦенаВключаетНДС", options.price_includes_vat))
    rows = []
    for at, line in enumerate(lines, 1):
        goods = product_of(line, at)
        shipment, sold = _sold(product_id(goods), shipments)
        paid = line if line.get("Цена") is not None or not sold else {**line, **_share(line, sold)}
        sums = sums_of(paid, at, options, known, with_vat=with_vat)
        own = {name: value for name, value in line.items() if name not in _TRANSLATED and value is not None}
        row = {"LineNumber": str(at), **own, **goods, **{name: sums[name] for name in sums if name in known}}
        if shipment and "ДокументРеализации" in known:
            row |= tied("ДокументРеализации", shipment)
        rows.append(row)
    return rows


def _sold(product: str, shipments: Sequence[Native]) -> tuple[str, Native]:
    """Return the shipment that holds a product, and its line; empty where none does."""
    for shipment in shipments:
        for row in shipment.get("Товары") or ():
            if product_id(row) == product and number(row.get("Количество")):
                return str(shipment["Ref_Key"]), row
    return "", {}


def _share(line: Native, sold: Native) -> Native:
    """Return what was paid for the goods of a line, out of what its shipment's line came to."""
    quantity, total = number(sold.get("Количество")), number(sold.get("Сумма"))
    some = number(line.get("Количество"))
    share = kopecks(total * some / quantity)
    each = (share / some).quantize(Decimal("0.01"), ROUND_UP) if some else Decimal(0)
    return {"Цена": each, "Сумма": share}


def tied(name: str, shipment: str) -> Native:
    """Return a property that points to a shipment."""
    return {name: shipment, f"{name}_Type": f"StandardODATA.{SHIPMENT}"}
