"""The canonical model: what every system's records are translated into and from.

Source of the shapes: the union of what 1C:Управление торговлей keeps and what the channels ask for.
"""

from __future__ import annotations

from obmen.entities.base import Part, Record, join_key, split_key
from obmen.entities.order import Delivery, Order, OrderCustomer, OrderLine, Payment
from obmen.entities.order_status import OrderStatus
from obmen.entities.price import Price
from obmen.entities.product import Product
from obmen.entities.stock import Stock

ENTITIES: dict[str, type[Record]] = {entity.entity: entity for entity in (Product, Price, Stock, Order, OrderStatus)}

__all__ = [
    "ENTITIES",
    "Delivery",
    "Order",
    "OrderCustomer",
    "OrderLine",
    "OrderStatus",
    "Part",
    "Payment",
    "Price",
    "Product",
    "Record",
    "Stock",
    "join_key",
    "split_key",
]
