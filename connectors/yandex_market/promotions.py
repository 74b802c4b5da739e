"""Market's promotions that sell cheaper: told beside the prices that are read, and left by a call.

A price goes on being shown as it was set, whatever buyers pay. So the promotions that run are asked for beside it, and
of each the goods that take part at a price of its own (``getPromos``, ``getPromoOffers``). Goods that Market adds by
itself are sold at the seller's price, and a promo code lowers it only for those who type it: these are not asked for.
Promotions that the seller made himself are not told at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.yandex_market import paths
from connectors.yandex_market.core import Market
from obmen.errors import Denied
from obmen.promotion import Promotion
from obmen.records import Native

OFFERS_PAGE, LEAVE_LIMIT = 500, 500
FRESH = 600.0
"""Seconds for which what was told of promotions serves: a cabinet may have many, each with all its goods."""
_LOWERS = {"DIRECT_DISCOUNT", "BLUE_FLASH"}
_BY_MINIMUM = "MINIMUM_FOR_PROMOS"
_OWN, _BESTSELLERS = ("MANUALLY_ADDED",), ("MANUALLY_ADDED", "RENEWED", _BY_MINIMUM)
_RUBLE = "RUR"


@dataclass(frozen=True, slots=True)
class Running:
    """A promotion that runs now. ``prices``: article → what buyers pay, in rubles.

    ``by_minimum``: articles that are in it because of the least price that was set with their price; they are out once
    that is taken away, and by no call.
    """

    id: str
    name: str
    ends: datetime
    prices: dict[str, int]
    by_minimum: frozenset[str]


class Promotions(Market):
    """What promotions make of prices."""

    _promotions: tuple[float, list[Running]] | None = None

    def running(self) -> list[Running]:
        """Return the promotions that run now and have prices of their own; they are asked for once in a while."""
        known = self._promotions
        if known is None or self.clock.monotonic() - known[0] > FRESH:
            known = self._promotions = self.clock.monotonic(), list(self._promoted())
        now = self._moment()
        return [one for one in known[1] if now <= one.ends]

    def promotion(self, entity: str, native: Native) -> Promotion | None:
        """Say which promotions sell cheaper than the price that was read; of several the lowest price holds."""
        told = native.get("promotions", ()) if entity == "price" else ()
        if not told or native["price"]["currencyId"] != _RUBLE:
            return None
        value = Decimal(native["price"]["value"])
        lower = sorted((one for one in told if one["price"] < value), key=_price)
        if not lower:
            return None
        names = tuple(dict.fromkeys(one["name"] for one in lower))
        return Promotion(native["offerId"], Decimal(lower[0]["price"]), names)

    def leave(self, promotions: Sequence[Promotion]) -> Iterator[str]:
        """Take goods out of promotions, in all shops (``deletePromoOffers``); Market does it within hours."""
        running, self._promotions = self.running(), None
        for one in running:
            may = one.prices.keys() - one.by_minimum
            ids = [found.id for found in promotions if one.name in found.names and found.id in may]
            for start in range(0, len(ids), LEAVE_LIMIT):
                some = ids[start : start + LEAVE_LIMIT]
                reply = self.call(paths.PROMOTION_LEAVE, safe=True, json={"promoId": one.id, "offerIds": some})
                unknown = {row["offerId"] for row in reply.get("result.rejectedOffers") or ()}
                yield from (id_ for id_ in some if id_ not in unknown)

    def _promoted(self) -> Iterator[Running]:
        try:
            told = self.call(paths.PROMOTIONS, safe=True, json={})["result.promos"]
        except Denied:  # not every seller may ask, which ``check`` tells; prices are read all the same
            return
        now = self._moment()
        for promo in told:
            begins, ends = (datetime.fromisoformat(promo["period"][name]) for name in ("dateTimeFrom", "dateTimeTo"))
            best = promo["bestsellerInfo"]["bestseller"]
            if promo["mechanicsInfo"]["type"] in _LOWERS and begins <= now <= ends and (best or promo["participating"]):
                rows = list(self._goods(promo["id"], _BESTSELLERS if best else _OWN))
                by_minimum = frozenset(id_ for id_, _, status in rows if status == _BY_MINIMUM)
                yield Running(promo["id"], promo["name"], ends, {id_: price for id_, price, _ in rows}, by_minimum)

    def _goods(self, promotion: str, statuses: Sequence[str]) -> Iterator[tuple[str, int, str]]:
        """Yield article, price and status of what takes part, where a price is told."""
        body = {"promoId": promotion, "statuses": list(statuses)}
        for reply in self.pages(paths.PROMOTION_OFFERS, limit=OFFERS_PAGE, json=body):
            for row in reply["result.offers"]:
                params, status = row["params"].get("discountParams") or {}, row["status"]
                price = params.get("maxPromoPrice" if status == _BY_MINIMUM else "promoPrice")
                if price:
                    yield row["offerId"], price, status

    def _moment(self) -> datetime:
        return self.moment() or self.clock.now()


def beside(offer_id: str, running: Sequence[Running]) -> Native:
    """Return what is told of an article's promotions beside its price: nothing where it takes part in none."""
    told = [{"name": one.name, "price": one.prices[offer_id]} for one in running if offer_id in one.prices]
    return {"promotions": told} if told else {}


def _price(told: dict[str, Any]) -> int:
    price: int = told["price"]
    return price
