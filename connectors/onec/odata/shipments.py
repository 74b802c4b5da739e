"""Which orders have left the warehouse: those of which a posted РеализацияТоваровУслуг tells.

No status of Заказ клиента says so: КОтгрузке stands from the moment when the warehouse may pack until the order is
closed, days after the goods went. A marketplace that waits for the seller's word would never hear it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from connectors.onec.odata.client import OData, is_reference
from connectors.onec.odata.journal import STANDING
from connectors.onec.odata.lines import ZERO, number, product_id
from connectors.onec.odata.order_body import DOCUMENT
from connectors.onec.odata.return_body import SHIPMENT
from obmen.records import Native

_ORDER = "ЗаказКлиента"
_AT_ONCE = 10


def shipped_since(base: OData, dated: str) -> frozenset[str]:
    """Return the references of the orders with a shipment that meets a condition, such as a date."""
    return frozenset(_orders(base, dated))


def shipped_among(base: OData, orders: Sequence[str]) -> frozenset[str]:
    """Return those of the orders that have a shipment."""
    found: set[str] = set()
    for start in range(0, len(orders), _AT_ONCE):
        some = (f"{_ORDER} eq cast(guid'{ref}','{DOCUMENT}')" for ref in orders[start : start + _AT_ONCE])
        found.update(_orders(base, f"({' or '.join(some)})"))
    return frozenset(found)


def of_order(base: OData, ref: str) -> list[Native]:
    """Return the posted shipments of an order, whole; none where the base does not publish them."""
    metadata = base.metadata()
    if SHIPMENT not in metadata.sets or _ORDER not in metadata.properties(SHIPMENT):
        return []
    where = f"{_ORDER} eq cast(guid'{ref}','{DOCUMENT}') and {STANDING}"
    return [row for rows in base.pages(SHIPMENT, where=where) for row in rows]


def quantities(rows: Iterable[Native]) -> dict[str, Decimal]:
    """Return product's id → how much of it rows hold, those that are cancelled left out."""
    held: dict[str, Decimal] = {}
    for row in rows:
        if row.get("Отменено") is not True:
            held[product_id(row)] = held.get(product_id(row), ZERO) + number(row.get("Количество"))
    return held


def goods(documents: Iterable[Native], section: str = "Товары") -> Iterator[Native]:
    """Yield the rows of documents."""
    for document in documents:
        yield from document.get(section) or ()


def _orders(base: OData, where: str) -> Iterator[str]:
    metadata = base.metadata()
    if SHIPMENT not in metadata.sets or _ORDER not in metadata.properties(SHIPMENT):
        return
    for rows in base.pages(SHIPMENT, where=f"{where} and {STANDING}", select=("Ref_Key", _ORDER, f"{_ORDER}_Type")):
        for row in rows:
            if str(row.get(f"{_ORDER}_Type") or "").endswith(DOCUMENT) and is_reference(row.get(_ORDER)):
                yield str(row[_ORDER])
