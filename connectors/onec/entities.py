"""What of 1C is read and written, entity by entity; each goes through the door that is open for it.

Which door that is, is decided once, when the connection is made; an entity that no open door carries is refused in
words that name the options which would open one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connectors.onec.door import Door
from connectors.onec.doors import closed
from obmen.connector import Connector, find, history, lookup, poll, reader, writer
from obmen.errors import ConfigurationError
from obmen.records import Batch, Item, Native, Outcome, Page

_WEEK = timedelta(days=7)
_ORDER_KEY = ("Канал", "НомерПоДаннымКлиента")


class Entities(Connector):
    """All that can be read and written, by whichever door."""

    _of: dict[str, Door]
    """The door of each entity that an open one carries."""

    # -- goods ------------------------------------------------------------------------------------------------

    @reader("product", key="Ид", complete=True)
    def products(self, cursor: str | None) -> Iterator[Page]:
        """Read the goods and their characteristics."""
        return self._door("product").read["product"](cursor)

    @lookup("product", batch=50)
    def look_at_products(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read goods by Ид."""
        return self._door("product").look_up["product"](ids)

    @writer("product", key="Артикул", absolute=True)
    def set_products(self, batch: Batch) -> Iterator[Outcome]:
        """Create and change goods."""
        return self._write("product", batch)

    @find("product")
    def product_in_base(self, item: Item) -> str | None:
        """Return the reference of a good that stands in the base."""
        return self._door("product").find["product"](item)

    @reader("price", key="Ид", complete=True)
    def prices(self, cursor: str | None) -> Iterator[Page]:
        """Read the prices of all price types."""
        return self._door("price").read["price"](cursor)

    @lookup("price", batch=50)
    def look_at_prices(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read the prices of goods by Ид."""
        return self._door("price").look_up["price"](ids)

    @writer("price", key=("Ид", "ТипЦены"), absolute=True)
    def set_prices(self, batch: Batch) -> Iterator[Outcome]:
        """Set prices."""
        return self._write("price", batch)

    @reader("stock", key="Ид", complete=True)
    def stocks(self, cursor: str | None) -> Iterator[Page]:
        """Read what is free to be sold, by warehouse."""
        return self._door("stock").read["stock"](cursor)

    @lookup("stock", batch=50)
    def look_at_stocks(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read what is free of goods by Ид."""
        return self._door("stock").look_up["stock"](ids)

    # -- people -----------------------------------------------------------------------------------------------

    @reader("customer", key="Ref_Key", complete=True)
    def customers(self, cursor: str | None) -> Iterator[Page]:
        """Read the customers with their contacts and cards."""
        return self._door("customer").read["customer"](cursor)

    @lookup("customer", batch=50)
    def look_at_customers(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read customers by reference."""
        return self._door("customer").look_up["customer"](ids)

    @writer("customer", key="Ref_Key")
    def set_customers(self, batch: Batch) -> Iterator[Outcome]:
        """Create customers, and change what is ours of them."""
        return self._write("customer", batch)

    @find("customer")
    def customer_in_base(self, item: Item) -> str | None:
        """Return the reference of a customer that stands in the base as told."""
        return self._door("customer").find["customer"](item)

    @reader("bonus_account", key="Ref_Key", complete=True)
    def bonus_accounts(self, cursor: str | None) -> Iterator[Page]:
        """Read the loyalty cards with what their owners may spend."""
        return self._door("bonus_account").read["bonus_account"](cursor)

    @lookup("bonus_account", batch=50)
    def look_at_bonus_accounts(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read cards by reference."""
        return self._door("bonus_account").look_up["bonus_account"](ids)

    @reader("bonus_operation", key="Ref_Key")
    def bonus_operations(self, cursor: str | None) -> Iterator[Page]:
        """Read the documents that add and take points."""
        return self._door("bonus_operation").read["bonus_operation"](cursor)

    @history("bonus_operation", step=_WEEK)
    def bonus_operations_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the documents that add and take points that are dated (``Date``) in a period."""
        return self._door("bonus_operation").history["bonus_operation"](since, until)

    @lookup("bonus_operation", batch=20)
    def look_at_bonus_operations(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read operations by reference, or by their ids as they were written."""
        return self._door("bonus_operation").look_up["bonus_operation"](ids)

    @writer("bonus_operation", key="Операция")
    def create_bonus_operation(self, batch: Batch) -> Iterator[Outcome]:
        """Add or take points once for each operation, and take back one that is cancelled."""
        return self._write("bonus_operation", batch)

    @find("bonus_operation")
    def bonus_operation_in_base(self, item: Item) -> str | None:
        """Return the reference of an operation that stands in the base, posted."""
        return self._door("bonus_operation").find["bonus_operation"](item)

    # -- orders and what follows them -----------------------------------------------------------------------------

    @reader("order", key="Ref_Key")
    def orders(self, cursor: str | None) -> Iterator[Page]:
        """Read orders with their lines."""
        return self._door("order").read["order"](cursor)

    @history("order", step=_WEEK)
    def orders_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the orders that are dated (``Date``) in a period."""
        return self._door("order").history["order"](since, until)

    @lookup("order", batch=20)
    def look_at_orders(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read orders by reference, or by channel and number as they were written."""
        return self._door("order").look_up["order"](ids)

    @writer("order", key=_ORDER_KEY)
    def set_orders(self, batch: Batch) -> Iterator[Outcome]:
        """Create each Заказ клиента once, and carry over what its channel changes of it later."""
        return self._write("order", batch)

    @find("order")
    def order_in_base(self, item: Item) -> str | None:
        """Return what 1C calls an order that stands in the base."""
        return self._door("order").find["order"](item)

    @poll("order")
    def order_taken(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Tell whether 1C has fetched an order."""
        return self._door("order").poll["order"](ticket, batch)

    @reader("order_status", key="Ref_Key", channel="Канал")
    def order_statuses(self, cursor: str | None) -> Iterator[Page]:
        """Read what orders are now."""
        return self._door("order_status").read["order_status"](cursor)

    @lookup("order_status", batch=20)
    def look_at_order_statuses(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read the statuses of orders by reference."""
        return self._door("order_status").look_up["order_status"](ids)

    @writer("order_status", key="Ref_Key", absolute=True)
    def set_order_statuses(self, batch: Batch) -> Iterator[Outcome]:
        """Bring each order to its status, never back."""
        return self._write("order_status", batch)

    @poll("order_status")
    def order_status_taken(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Tell whether 1C has fetched a status."""
        return self._door("order_status").poll["order_status"](ticket, batch)

    @reader("return", key="Ref_Key")
    def returns(self, cursor: str | None) -> Iterator[Page]:
        """Read returns of customers and requests for them."""
        return self._door("return").read["return"](cursor)

    @history("return", step=_WEEK)
    def returns_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the returns of customers and requests for them that are dated (``Date``) in a period."""
        return self._door("return").history["return"](since, until)

    @lookup("return", batch=20)
    def look_at_returns(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read returns by reference, or by channel and number as they were written."""
        return self._door("return").look_up["return"](ids)

    @writer("return", key=("Канал", "Номер"))
    def set_returns(self, batch: Batch) -> Iterator[Outcome]:
        """Create each return once, and bring it to its state."""
        return self._write("return", batch)

    @find("return")
    def return_in_base(self, item: Item) -> str | None:
        """Return the reference of a return that stands in the base as told."""
        return self._door("return").find["return"](item)

    @reader("receipt", key="Ref_Key")
    def receipts(self, cursor: str | None) -> Iterator[Page]:
        """Read receipts and reports on retail sales."""
        return self._door("receipt").read["receipt"](cursor)

    @history("receipt", step=_WEEK)
    def receipts_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the receipts and reports on retail sales that are dated (``Date``) in a period."""
        return self._door("receipt").history["receipt"](since, until)

    @lookup("receipt", batch=20)
    def look_at_receipts(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read receipts by reference."""
        return self._door("receipt").look_up["receipt"](ids)

    # -- doors -----------------------------------------------------------------------------------------------------

    def _door(self, entity: str) -> Door:
        if entity not in self._of:
            raise closed(self.name, entity)
        return self._of[entity]

    def _has(self, entity: str, what: str) -> bool:
        return entity in self._of and entity in getattr(self._of[entity], what)

    def _write(self, entity: str, batch: Batch) -> Iterator[Outcome]:
        door = self._door(entity)
        if entity not in door.write:
            message = f"The connection '{self.name}' cannot write {entity} through its door ({door.way(entity)})."
            raise ConfigurationError(message)
        return door.write[entity](batch)
