"""The CommerceML door of the connector: exchange files, and orders where 1C fetches them itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from connectors.onec.commerceml import CommerceML
from connectors.onec.commerceml.files import newest
from connectors.onec.door import Door
from connectors.onec.options import OneCOptions
from connectors.onec.site.door import SiteDoor
from connectors.onec.site.orders import read_answers, read_statuses
from obmen.records import Item, Page

_GOODS = frozenset({"product", "price", "stock"})
_Read = Callable[[], Iterator[Page]]


def commerceml_door(options: OneCOptions, site: SiteDoor | None) -> Door:
    """Return the door of a folder; ``site``: that of the exchange which fills it, if one does."""
    folder = options.commerceml
    assert folder is not None  # noqa: S101 - doors.is_open asks
    if site is None:
        files = CommerceML(folder)
        return Door(
            read=_whole({"product": files.products, "price": files.prices, "stock": files.stocks}),
            whole=_GOODS,
            way=lambda _: "CommerceML, files",
            as_of=partial(newest, folder),
        )
    orders = site.orders

    def found(item: Item) -> str | None:
        if item.native_id:  # a change: laying it ready again does no harm, and 1C's word for the order was of another
            return None
        return orders.find(str(item.payload["Канал"]), str(item.payload["НомерПоДаннымКлиента"]))

    return Door(
        read={
            **_whole({"product": site.products, "price": site.prices, "stock": site.stocks}),
            "order": lambda cursor: read_answers(folder, cursor),
            "order_status": lambda cursor: read_statuses(folder, cursor),
        },
        whole=_GOODS,
        look_up={"order": orders.read},
        write={"order": orders.write, "order_status": orders.write_statuses},
        find={"order": found},
        poll={"order": orders.poll, "order_status": orders.poll_statuses},
        batch={"order": 50, "order_status": 50},
        way=lambda _: "CommerceML, pushed by 1C",
        as_of=partial(newest, folder),
    )


def _whole(reads: Mapping[str, _Read]) -> dict[str, Callable[[str | None], Iterator[Page]]]:
    return {entity: lambda _cursor, read=read: read() for entity, read in reads.items()}  # type: ignore[misc] # bound now
