"""The EnterpriseData door of the connector: what it reads and writes, each call one exchange with the base.

Readers first bring everything that the base has for the node into the folder, acknowledge it, and then give
what stands there; so each entity is read as a whole although the base sends every change once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from requests.auth import HTTPBasicAuth

from connectors.onec.door import Door
from connectors.onec.enterprisedata import keep
from connectors.onec.enterprisedata.checks import check_exchange, offered
from connectors.onec.enterprisedata.compose_goods import compose_goods, compose_prices, good_ref
from connectors.onec.enterprisedata.compose_orders import NUMBER, compose_orders
from connectors.onec.enterprisedata.compose_people import compose_people, customer_ref
from connectors.onec.enterprisedata.documents import read_orders, read_reports, read_states
from connectors.onec.enterprisedata.exchange import Exchange, OnStep
from connectors.onec.enterprisedata.goods import read_goods
from connectors.onec.enterprisedata.mirror import Mirror
from connectors.onec.enterprisedata.options import EnterpriseDataOptions
from connectors.onec.enterprisedata.people import read_people
from connectors.onec.enterprisedata.prices import read_prices
from connectors.onec.enterprisedata.service import Service
from connectors.onec.enterprisedata.trouble import explain
from connectors.onec.enterprisedata.writing import write_batch
from connectors.onec.odata.order_body import CHANNEL
from connectors.onec.odata.orders import order_ref
from obmen.clock import Clock
from obmen.connector import Finding, Transport
from obmen.errors import ConfigurationError
from obmen.http import Http
from obmen.records import Batch, Item, Outcome, Page
from obmen.usage import Usage

_ONE_RUN = 60.0
"""Seconds for which what one reader received is new enough for the others."""


def transport(options: EnterpriseDataOptions) -> Transport:
    """Return how the base is reached: Basic authentication in UTF-8, a time-out on every call."""
    password = options.password.get_secret_value()
    return Transport(
        base_url=options.url,
        auth=HTTPBasicAuth(options.username.encode(), password.encode()) if options.username else None,
        timeout=(min(10.0, options.timeout), options.timeout),
        secrets=(password,) if password else (),
        explain=explain,
        largest_answer=64 << 20,
    )


class EnterpriseData:
    """One node of one base. ``name`` is the connection's, ``zone`` that of the base's clock."""

    def __init__(
        self,
        name: str,
        options: EnterpriseDataOptions,
        zone: ZoneInfo,
        clock: Clock,
        *,
        on_step: OnStep = lambda _step: None,
    ) -> None:
        self._name, self._options, self._zone, self._clock = name, options, zone, clock
        self._http = Http(name, transport(options), clock=clock)
        self._service = Service(self._http, options.plan, options.node)
        mirror = Mirror(options.folder, options.plan, options.node, wait=options.timeout)
        self.exchange = Exchange(self._service, mirror, options, clock, on_step)
        self._read: set[str] = set()
        self._received = 0.0

    def products(self) -> Iterator[Page]:
        """Read the sellable variants; see ``goods.read_goods``."""
        self._receive("products")
        yield from read_goods(self.exchange.mirror)

    def prices(self) -> Iterator[Page]:
        """Read the prices that stand now; see ``prices.read_prices``."""
        self._receive("prices")
        yield from read_prices(self.exchange.mirror, self._local())

    def customers(self) -> Iterator[Page]:
        """Read the customers; see ``people.read_people``."""
        self._receive("customers")
        yield from read_people(self.exchange.mirror)

    def orders(self, cursor: str | None) -> Iterator[Page]:
        """Read the orders that came since the cursor; see ``documents.read_orders``."""
        self._receive("orders")
        yield from read_orders(self.exchange.mirror, cursor, self._name)

    def order_statuses(self, cursor: str | None) -> Iterator[Page]:
        """Read what orders became since the cursor; see ``documents.read_states``."""
        self._receive("order_statuses")
        yield from read_states(self.exchange.mirror, cursor, self._name)

    def receipts(self, cursor: str | None) -> Iterator[Page]:
        """Read the reports on retail sales that came since the cursor; see ``documents.read_reports``."""
        self._receive("receipts")
        yield from read_reports(self.exchange.mirror, cursor)

    def write_orders(self, batch: Batch) -> Iterator[Outcome]:
        """Create and change orders, each under the reference that follows from its channel and number."""
        options = self._options.order
        if options is None:
            raise ConfigurationError(
                f"The connection '{self._name}' has no enterprisedata.order: it names the organization and the"
                " contragent that every order in 1C needs."
            )
        return write_batch(
            self.exchange, self._options, batch, lambda maker, items: compose_orders(maker, options, items)
        )

    def write_products(self, batch: Batch) -> Iterator[Outcome]:
        """Create and change goods."""
        return write_batch(self.exchange, self._options, batch, compose_goods)

    def write_prices(self, batch: Batch) -> Iterator[Outcome]:
        """Set prices, by one document for each type of prices."""
        compose = partial(compose_prices, date=self._local().isoformat())
        return write_batch(self.exchange, self._options, batch, compose)

    def write_customers(self, batch: Batch) -> Iterator[Outcome]:
        """Create and change customers."""
        return write_batch(self.exchange, self._options, batch, compose_people)

    def find_order(self, item: Item) -> str | None:
        """Return the order's reference if the base has surely loaded it, or has sent it itself.

        Of a change that is in doubt nothing is looked for: the base does not tell which version it loaded, and
        saying it again does no harm.
        """
        return (
            None
            if item.native_id
            else self._found(keep.ORDER, order_ref(str(item.payload[CHANNEL]), str(item.payload[NUMBER])))
        )

    def find_product(self, item: Item) -> str | None:
        """Return the good's reference if the base has surely loaded it, or has sent it itself."""
        return self._found(keep.PRODUCT, str(item.native_id or item.payload.get("Ид") or good_ref(item.id)).lower())

    def find_customer(self, item: Item) -> str | None:
        """Return the customer's reference if the base has surely loaded it; a change is said again, as an order's."""
        return None if item.native_id else self._found(keep.CONTRAGENT, customer_ref(item.id))

    def offers(self, entity: str) -> bool:
        """Whether the base, as far as its last message told, sends what an entity needs."""
        return offered(self.exchange, entity)

    def check(self, used: Usage | None = None) -> Iterator[Finding]:
        """Try the service, the node and the versions, and say which objects are missing for which entity and flow."""
        return check_exchange(self._service, self.exchange, self._options, used)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _receive(self, reader: str) -> None:
        """Exchange once for all readers of a run: again when one comes a second time, or after a minute."""
        now = self._clock.monotonic()
        if self._read and reader not in self._read and now - self._received < _ONE_RUN:
            self._read.add(reader)
            return
        self._read = set()
        self.exchange.receive()
        self._read, self._received = {reader}, now

    def _found(self, kind: str, known: str) -> str | None:
        if self.exchange.settled(kind, known):
            return known
        with self.exchange.mirror.reading() as database:
            query = "SELECT 1 FROM object WHERE type = ? AND ref = ? AND deleted = 0"
            return known if database.execute(query, (kind, known)).fetchone() is not None else None

    def _local(self) -> datetime:
        return self._clock.now().astimezone(self._zone).replace(tzinfo=None, microsecond=0)


def enterprisedata_door(made: EnterpriseData) -> Door:
    """Return the door of a node: the format has neither stock nor bonuses.

    Nothing is looked up: 1C does not send back what came from the node, until somebody there changes it.
    """
    return Door(
        read={
            "product": lambda _cursor: made.products(),
            "price": lambda _cursor: made.prices(),
            "customer": lambda _cursor: made.customers(),
            "order": made.orders,
            "order_status": made.order_statuses,
            "receipt": made.receipts,
        },
        whole=frozenset({"product", "price", "customer"}),
        write={
            "order": made.write_orders,
            "product": made.write_products,
            "price": made.write_prices,
            "customer": made.write_customers,
        },
        find={"order": made.find_order, "product": made.find_product, "customer": made.find_customer},
        batch={"order": 50, "product": 100, "price": 500, "customer": 100},
        way=lambda _: "EnterpriseData, messages",
    )
