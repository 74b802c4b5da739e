"""The OData door of the connector: everything that Obmen carries, read and written object by object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.onec.door import Door, one_by_one
from connectors.onec.odata.bonus_accounts import BonusAccounts
from connectors.onec.odata.bonus_operations import BonusOperations
from connectors.onec.odata.changes import Changes
from connectors.onec.odata.client import OData
from connectors.onec.odata.goods import Goods
from connectors.onec.odata.order_reading import OrderReader
from connectors.onec.odata.orders import Orders
from connectors.onec.odata.partner_writing import PartnerWriter
from connectors.onec.odata.partners import Partners
from connectors.onec.odata.prices import Prices
from connectors.onec.odata.receipts import Receipts
from connectors.onec.odata.returns import Returns
from connectors.onec.odata.statuses import Statuses
from connectors.onec.odata.stock import Stock
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Memory
from obmen.errors import ConfigurationError, Later, Refused, Unavailable
from obmen.records import Item

_WHOLE = frozenset({"product", "price", "stock", "customer", "bonus_account"})


def odata_door(
    name: str, base: OData, options: OneCOptions, memory: Callable[[], Memory], clock: Clock, changes: Changes
) -> Door:
    """Return the door of a base. ``name`` is the connection's."""
    goods, prices = Goods(base, memory), Prices(base, options, memory, clock)
    stock, people = Stock(base, options, memory), Partners(base, options)
    accounts, operations = BonusAccounts(base, options, clock), BonusOperations(base, options, clock)
    orders, statuses = OrderReader(base, options, clock, name), Statuses(base, options, clock, memory, name)
    returns, receipts = Returns(base, options, clock, name), Receipts(base, options, clock)
    partners = PartnerWriter(base, options)
    readers: dict[str, Any] = {
        "product": goods,
        "price": prices,
        "stock": stock,
        "customer": people,
        "bonus_account": accounts,
        "bonus_operation": operations,
        "order": orders,
        "order_status": statuses,
        "return": returns,
        "receipt": receipts,
    }

    def created() -> Orders:
        if options.order is None:
            message = (
                f"The connection '{name}' has no `order:` section: it names the organization, the partner and the"
                " other references that every order in 1C needs."
            )
            raise ConfigurationError(message)
        return Orders(base, options.order, memory)

    return Door(
        read={entity: reader.read for entity, reader in readers.items()},
        whole=_WHOLE,
        look_up={entity: reader.look_up for entity, reader in readers.items()},
        write={
            "order": one_by_one(lambda item: created().write(item)),
            "order_status": one_by_one(statuses.write),
            "customer": one_by_one(partners.write),
            "bonus_operation": one_by_one(lambda item: operations.write(item.payload)),
            "return": one_by_one(lambda item: returns.write(item.payload)),
        },
        find={
            "order": _look(lambda item: created().find(item)),
            "customer": _look(partners.find),
            "bonus_operation": _look(lambda item: operations.find(item.payload)),
            "return": _look(lambda item: returns.find(item.payload)),
        },
        history={entity: readers[entity].read_of for entity in ("order", "return", "receipt", "bonus_operation")},
        way=lambda entity: f"OData, {changes.way(entity)}",
    )


def _look(find: Callable[[Item], str | None]) -> Callable[[Item], str | None]:
    """Return a ``find`` that ails one record alone where 1C refuses the look: the writer looks again, and tells."""

    def found(item: Item) -> str | None:
        try:
            return find(item)
        except Refused:
            return None
        except Later as later:
            raise Unavailable(str(later), after=later.after) from later

    return found
