"""1C:Управление торговлей 11: goods, prices and stock from CommerceML, orders and their statuses by OData.

The ways that stock UT 11.4 and 11.5 has, with nothing added to the configuration. See README.md beside this
file for what the administrator of 1C sets up and for what each status becomes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

from requests.auth import HTTPBasicAuth

from connectors.onec.checks import check_connection
from connectors.onec.commerceml import CommerceML
from connectors.onec.odata.client import OData
from connectors.onec.odata.errors import explain
from connectors.onec.odata.orders import Orders
from connectors.onec.odata.statuses import Statuses
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Connector, Finding, Transport, find, lookup, reader, writer
from obmen.errors import ConfigurationError, Later, Refused, Unavailable
from obmen.http import Http
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError


class OneC(Connector):
    """1C:Управление торговлей 11."""

    title: ClassVar[str] = "1C:Управление торговлей"
    sandbox: ClassVar[str] = "connectors.onec.sandbox:OneCSandbox"

    class Options(OneCOptions):
        """See OneCOptions."""

    def __init__(self, name: str, options: Options, *, clock: Clock | None = None, http: Http | None = None) -> None:
        super().__init__(name, options, clock=clock, http=http)
        self._base = OData(self.http)

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

    @reader("product", key="Ид", complete=True)
    def products(self, cursor: str | None) -> Iterator[Page]:
        """Read the goods and their characteristics from CommerceML."""
        del cursor
        return self._files.products()

    @reader("price", key="Ид", complete=True)
    def prices(self, cursor: str | None) -> Iterator[Page]:
        """Read the prices of all price types from CommerceML."""
        del cursor
        return self._files.prices()

    @reader("stock", key="Ид", complete=True)
    def stocks(self, cursor: str | None) -> Iterator[Page]:
        """Read the rests by warehouse from CommerceML."""
        del cursor
        return self._files.stocks()

    @writer("order", key=("Канал", "НомерПоДаннымКлиента"), updates=False)
    def create_order(self, batch: Batch) -> Iterator[Outcome]:
        """Create each Заказ клиента once and post it."""
        return _each(batch, lambda item: self._orders.write(item.payload))

    @find("order")
    def order_in_base(self, item: Item) -> str | None:
        """Return the reference of an order that stands in the base, posted.

        None also where 1C refuses the look, as for an order that is there twice: the writer looks again, and
        its refusal ails this record alone.
        """
        try:
            return self._orders.find(item.payload)
        except Refused:
            return None
        except Later as later:
            raise Unavailable(str(later), after=later.after) from later

    @lookup("order", batch=20)
    def orders_in_base(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read orders back, in the shape of the payload that creates them."""
        return self._orders.read(ids)

    @reader("order_status", key="Ref_Key")
    def order_statuses(self, cursor: str | None) -> Iterator[Page]:
        """Read what the orders with a client's number are now."""
        return self._statuses.read(cursor)

    @writer("order_status", key="Ref_Key", absolute=True)
    def set_order_status(self, batch: Batch) -> Iterator[Outcome]:
        """Bring each order to its status, never back."""
        return _each(batch, self._statuses.write)

    def check(self) -> Iterable[Finding]:
        """Look at the exchange folder, what the base publishes, and what the options point to."""
        return check_connection(self._base if self.options.url else None, self.options)

    @property
    def _files(self) -> CommerceML:
        if self.options.commerceml is None:
            message = (
                f"The connection '{self.name}' has no commerceml: set it to the folder into which 1C exports"
                " goods, prices and stock."
            )
            raise ConfigurationError(message)
        return CommerceML(self.options.commerceml)

    @property
    def _reached(self) -> OData:
        if self.options.url is None:
            message = f"The connection '{self.name}' has no url: orders need the published base's OData."
            raise ConfigurationError(message)
        return self._base

    @property
    def _orders(self) -> Orders:
        if self.options.order is None:
            message = (
                f"The connection '{self.name}' has no `order:` section: it names the organization, the"
                " partner and the other references that every order in 1C needs."
            )
            raise ConfigurationError(message)
        return Orders(self._reached, self.options.order)

    @property
    def _statuses(self) -> Statuses:
        return Statuses(self._reached, self.options, self.clock)


def _each(batch: Batch, write: Callable[[Item], str]) -> Iterator[Outcome]:
    """Write the records one by one; what ails one of them stays with it."""
    for item in batch.items:
        try:
            ref = write(item)
        except Later as later:
            yield batch.later(item.id, str(later), later.after)
        except Refused as refused:
            yield batch.refused(item.id, [RecordError(refused.code, str(refused), refused.field)])
        else:
            yield batch.done(item.id, ref)
