"""Orders: an order of Wildberries is one unit of goods, known by the id of its assembly order.

Its price is whole hundredths of a unit of the currency in which it was sold, which abroad is not the seller's;
so each order tells both, and an option says in which the seller counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from connectors.wildberries.base import product_id
from connectors.wildberries.fbw import FBW, Fbw
from connectors.wildberries.listing import KEPT, listed_between, look_for, passing
from connectors.wildberries.schemes import Scheme, chosen
from obmen.connector import history, lookup, reader
from obmen.errors import Refused, StateError
from obmen.http import encode_json
from obmen.records import Native, Page, decode_json

_HUNDREDTH = Decimal("0.01")
WEEK = timedelta(days=7)
_BY_ARTICLE = {"order", "return"}


class _Cursor(msgspec.Struct):
    made: datetime


class Orders(Fbw):
    """Orders: natural and native id ``id``, the number of the assembly order."""

    @classmethod
    def preset(cls, options: Any, entity: str) -> str:
        """Return the folder of the mapping that finds the goods of an order as the option ``goods`` says.

        Of what Wildberries sells out of its own warehouses no size is told, so these go by the article.
        """
        if FBW in options.schemes and entity == "order":
            return FBW
        if (options.goods == "article" or FBW in options.schemes) and entity in _BY_ARTICLE:
            return "by_article"
        return super().preset(options, entity)

    @reader("order", key="id")
    def orders(self, cursor: str | None) -> Iterator[Page]:
        """Read new orders and those made since the last pass (``/api/v3/orders/new``, ``/api/v3/orders``).

        Natives: the vendor's order, with ``scheme``, ``product`` (nmID:chrtID), ``amount`` and ``currency`` (its
        number) in the currency that the option ``order_prices`` chooses, the one unit as ``units``, and ``client``
        where the scheme tells.
        """
        if self.only_reads:
            yield from self.fbw_orders(cursor)
            return
        since = made_since(cursor, self.clock.now() - timedelta(days=self.options.lookback_days))
        began = []
        for scheme in chosen(self.options.schemes):
            for listed in passing(self, scheme, since):
                began.append(listed.at)
                yield self._order_page(scheme, list(listed.rows.values()), listed.reply.what)
        yield Page((), cursor=msgspec.json.encode(_Cursor(min(began))).decode())

    @history("order", step=WEEK, reach=KEPT)
    def orders_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the orders made in a period; of a scheme whose list holds the ended ones only, those.

        The lists go back three months. What is older stands in an archive, which is not read.
        """
        if self.only_reads:
            yield Page([encode_json(native) for native in self.fbw_order_natives(since, until)])
        for scheme in chosen(self.options.schemes):
            for reply in listed_between(self, scheme, since, until):
                yield self._order_page(scheme, reply.slices("orders"), reply.what)

    @lookup("order", batch=1000)
    def look_up_orders(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these orders, as far back as three months; there is no method that asks for one by its id."""
        if self.only_reads:
            yield from (one for one in self.fbw_order_natives(self.fbw_begin) if one["id"] in ids)
        wanted = numbers(ids)
        for scheme in chosen(self.options.schemes):
            for found in look_for(self, scheme, wanted):
                wanted -= found.keys()
                for natives in self._order_natives(scheme, list(found.values())):
                    yield from natives

    def _order_page(self, scheme: Scheme, rows: list[bytes], where: str) -> Page:
        salt = f"{scheme.name} {self.options.order_prices}".encode()
        if scheme.clients is not None:
            return Page(rows, expand=partial(self._order_natives, scheme), salt=salt, where=where)
        return Page(rows, decode=partial(self._decoded_order, scheme), salt=salt, where=where)

    def _order_natives(self, scheme: Scheme, rows: Sequence[bytes]) -> Iterable[list[Native]]:
        natives = [list(self._decoded_order(scheme, raw)) for raw in rows]
        if scheme.clients is not None and natives:
            ids = [native["id"] for several in natives for native in several]
            reply = self.call(scheme.clients, json={"orders": ids}, safe=True)
            clients = {row["orderID"]: row for row in reply["orders"] or ()}
            for several in natives:
                for native in several:
                    native["client"] = clients.get(native["id"])
        return natives

    def _decoded_order(self, scheme: Scheme, raw: bytes) -> Iterator[Native]:
        for native in decode_json(raw):
            price, currency = ("price", "currencyCode")
            if self.options.order_prices == "converted":
                price, currency = ("convertedPrice", "convertedCurrencyCode")
            for name in ("nmId", "chrtId", price, currency):
                if not isinstance(native.get(name), int):
                    message = f"The order {native.get('id')} has no {name}, so it cannot be told what was sold."
                    raise Refused(message, code="incomplete", field=name)
            native["scheme"] = scheme.name
            native["product"] = product_id(native["nmId"], native["chrtId"])
            native["amount"] = native[price] * _HUNDREDTH
            native["currency"] = str(native[currency])
            unit = {name: native.get(name) for name in ("product", "article", "rid", "amount")}
            native["units"] = [{**unit, "quantity": 1}]
            yield native


def numbers(ids: Iterable[str]) -> set[int]:
    """Return the ids that can be an order's, as numbers."""
    return {int(id_) for id_ in ids if id_.isdecimal()}


def made_since(cursor: str | None, otherwise: datetime) -> datetime:
    """Return since when orders are to be read."""
    if cursor is None:
        return otherwise
    try:
        return msgspec.json.decode(cursor, type=_Cursor).made
    except msgspec.DecodeError as error:
        raise StateError(
            f"The checkpoint of the orders cannot be read ({error}). Remove it; the next pass begins anew, "
            f"{KEPT.days} days back at most."
        ) from error
