"""1C:Управление торговлей 11, by whichever of its doors the administrator opened.

CommerceML (files, or pushed by 1C itself), the standard OData interface, EnterpriseData over SOAP: each needs
nothing that is not in a stock UT 11.4 or 11.5. This class only says what there is and lets each entity through
its door; a folder holds each door. See README.md beside this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

from requests.auth import HTTPBasicAuth

from connectors.onec.door import Door
from connectors.onec.doors import ENTITIES, DoorName, closed, door_of
from connectors.onec.odata.changes import Changes
from connectors.onec.odata.client import OData
from connectors.onec.odata.errors import explain
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import (
    Connector,
    Finding,
    Transport,
    acknowledge,
    feed,
    find,
    history,
    lookup,
    poll,
    reader,
    writer,
)
from obmen.endpoint import Endpoint
from obmen.errors import ConfigurationError
from obmen.http import Http
from obmen.records import Batch, Hints, Item, Native, Outcome, Page
from obmen.usage import Usage

if TYPE_CHECKING:
    from connectors.onec.enterprisedata.door import EnterpriseData
    from connectors.onec.site.door import SiteDoor

_WEEK = timedelta(days=7)
_ORDER_KEY = ("Канал", "НомерПоДаннымКлиента")


class OneC(Connector):
    """1C:Управление торговлей 11."""

    title: ClassVar[str] = "1C:Управление торговлей"
    sandbox: ClassVar[str] = "connectors.onec.sandbox:OneCSandbox"

    class Options(OneCOptions):
        """See OneCOptions."""

    def __init__(self, name: str, options: Options, *, clock: Clock | None = None, http: Http | None = None) -> None:
        super().__init__(name, options, clock=clock, http=http)
        self._base = OData(self.http, memory=lambda: self.memory, clock=self.clock, allowed_only=options.allowed_only)
        self._changes = Changes(self._base, options)
        named = {entity: door for entity in ENTITIES if (door := door_of(options, entity))}
        opened = {door: self._opened(door) for door in set(named.values())}
        self._of = doors = {str(entity): opened[door] for entity, door in named.items()}
        self.readers = {
            entity: replace(spec, complete=entity in doors[entity].whole) if entity in doors else spec
            for entity, spec in self.readers.items()
        }
        self.writers = {
            (entity, op): replace(spec, batch=doors[entity].batch.get(entity, 1)) if entity in doors else spec
            for (entity, op), spec in self.writers.items()
        }
        self.finders = {entity: name for entity, name in self.finders.items() if self._has(entity, "find")}
        self.pollers = {entity: name for entity, name in self.pollers.items() if self._has(entity, "poll")}
        self.lookups = {entity: spec for entity, spec in self.lookups.items() if self._has(entity, "look_up")}
        self.histories = {entity: spec for entity, spec in self.histories.items() if self._has(entity, "history")}

    @classmethod
    def transport(cls, options: Options) -> Transport:
        """Basic authentication in UTF-8, the encoding that 1C expects of Cyrillic logins."""
        password = options.password.get_secret_value()
        return Transport(
            base_url=options.url or "",
            headers={"Accept": "application/json;odata=nometadata"},
            auth=HTTPBasicAuth(options.username.encode(), password.encode()) if options.username else None,
            timeout=(min(10.0, options.timeout), options.timeout),
            explain=explain,
        )

    @classmethod
    def preset(cls, options: Options, entity: str) -> str:
        """Each door has mappings of its own."""
        return door_of(options, entity) or ""

    def way(self, entity: str) -> str:
        """Name the door, and how changes are found behind it."""
        return self._door(entity).way(entity)

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

    @reader("order_status", key="Ref_Key")
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

    # -- changes and calls from outside --------------------------------------------------------------------------

    @feed(*ENTITIES)
    def told(self, cursor: str | None) -> Iterator[Hints]:
        """Ask the exchange plan what has changed."""
        return self._changes.read(cursor)

    @acknowledge
    def keep_no_longer(self, cursor: str) -> None:
        """Let the exchange plan forget what it told."""
        self._changes.acknowledge(cursor)

    def listens(self, entity: str) -> bool:
        """Whether the entity goes by OData and the base's exchange plan tells of it."""
        return door_of(self.options, entity) == "odata" and self._changes.listens(entity)

    def endpoint(self) -> Endpoint | None:
        """Return the site that 1C's «Обмен с сайтом» calls."""
        return self._site.endpoint() if self._site is not None else None

    def check(self) -> Iterable[Finding]:
        """Look at each door: what is there, what is missing, and what the options point to."""
        return self._check(None)

    def check_usage(self, usage: Usage) -> Iterable[Finding]:
        """Do the same for what these flows carry, and say for which of them something is missing."""
        return self._check(usage)

    def _check(self, usage: Usage | None) -> Iterator[Finding]:
        from connectors.onec.checks import check_connection  # noqa: PLC0415 - see _opened

        awaits = self._site is not None and self._site.awaits_goods
        yield from check_connection(self._base if self.options.url else None, self.options, usage, awaits_goods=awaits)
        if self.options.url is not None:
            yield from self._changes.check()
        if self._site is not None:
            yield from self._site.check()
        if self.options.enterprisedata is not None:
            yield from self._node.check(_through(self.options, "enterprisedata", usage))

    def close(self) -> None:
        """Let go of connections."""
        super().close()
        if "_node" in vars(self):
            self._node.close()

    # -- doors -----------------------------------------------------------------------------------------------------

    def _opened(self, name: DoorName) -> Door:
        """Return a door; what serves it is loaded only if it is open."""
        if name == "odata":
            from connectors.onec.odata.door import odata_door  # noqa: PLC0415 - see above

            return odata_door(self.name, self._base, self.options, lambda: self.memory, self.clock, self._changes)
        if name == "commerceml":
            from connectors.onec.commerceml.door import commerceml_door  # noqa: PLC0415 - see above

            return commerceml_door(self.options, self._site)
        from connectors.onec.enterprisedata.door import enterprisedata_door  # noqa: PLC0415 - see above

        return enterprisedata_door(self._node)

    @cached_property
    def _site(self) -> SiteDoor | None:
        options: OneCOptions = self.options
        if options.exchange is None or options.commerceml is None:
            return None
        from connectors.onec.site.door import SiteDoor  # noqa: PLC0415 - only where that door is open

        return SiteDoor(options.commerceml, options.exchange, self.clock)

    @cached_property
    def _node(self) -> EnterpriseData:
        options: OneCOptions = self.options
        assert options.enterprisedata is not None  # noqa: S101 - doors.is_open asks
        from connectors.onec.enterprisedata.door import EnterpriseData  # noqa: PLC0415 - only where that door is open

        return EnterpriseData(self.name, options.enterprisedata, ZoneInfo(options.timezone), self.clock)

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


def _through(options: OneCOptions, door: DoorName, usage: Usage | None) -> Usage | None:
    """Return what of the flows goes through a door."""
    if usage is None:
        return None
    reads = {entity: flows for entity, flows in usage.reads.items() if door_of(options, entity) == door}
    writes = {entity: flows for entity, flows in usage.writes.items() if door_of(options, entity) == door}
    return Usage(reads, writes)
