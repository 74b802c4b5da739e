"""The canonical model: what every system's records are translated into and from.

Source of the shapes: the union of what 1C:Управление торговлей keeps and what the channels ask for.
"""

from __future__ import annotations

from obmen.entities.accrual import Accrual
from obmen.entities.base import Part, Record, join_key, split_key
from obmen.entities.bonus import BonusAccount, BonusOperation
from obmen.entities.customer import Customer
from obmen.entities.order import Delivery, Order, OrderCustomer, OrderLine, Payment
from obmen.entities.order_status import OrderStatus, Package, PackedLine
from obmen.entities.price import Price
from obmen.entities.product import Product
from obmen.entities.sale import Receipt, Return, ReturnLine
from obmen.entities.stock import Stock

ENTITIES: dict[str, type[Record]] = {
    entity.entity: entity
    for entity in (
        Product,
        Price,
        Stock,
        Customer,
        BonusAccount,
        BonusOperation,
        Order,
        OrderStatus,
        Return,
        Receipt,
        Accrual,
    )
}

__all__ = [
    "ENTITIES",
    "Accrual",
    "BonusAccount",
    "BonusOperation",
    "Customer",
    "Delivery",
    "Order",
    "OrderCustomer",
    "OrderLine",
    "OrderStatus",
    "Package",
    "PackedLine",
    "Part",
    "Payment",
    "Price",
    "Product",
    "Receipt",
    "Record",
    "Return",
    "ReturnLine",
    "Stock",
    "join_key",
    "split_key",
]
