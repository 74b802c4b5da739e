"""Promotions that change what buyers pay: told beside the prices that are read, and left by a call.

Ozon tells them by their titles; the call by which goods leave one wants its number. Only Ozon's own promotions have
one (``Promos``): a promotion that the seller made himself is ended in the cabinet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.ozon import paths
from obmen.connector import Connector
from obmen.promotion import Promotion
from obmen.records import Native

LEAVE_LIMIT = 1000


class Promotions(Connector):
    """What promotions make of prices."""

    def promotion(self, entity: str, native: Native) -> Promotion | None:
        """Say which promotion makes another price of one that was read (see ``prices.as_set``)."""
        live = native.get("marketing_seller_price") if entity == "price" else None
        if live is None:
            return None
        now = self.clock.now()
        names = tuple(dict.fromkeys(one["title"] for one in native.get("promotions", ()) if _lasts(one, now)))
        return Promotion(native["offer_id"], Decimal(live), names, str(native["product_id"]))

    def leave(self, promotions: Sequence[Promotion]) -> Iterator[str]:
        """Take goods out of Ozon's promotions (``PromosProductsDeactivate``), one call for each promotion."""
        numbers: dict[str, int] = {}
        for action in self.http.get(paths.PROMOTIONS)["result"]:
            numbers.setdefault(action["title"], int(action["id"]))
        for title, number in numbers.items():
            wanted = {int(one.native_id): one.id for one in promotions if title in one.names}
            goods = list(wanted)
            for start in range(0, len(goods), LEAVE_LIMIT):
                body = {"action_id": number, "product_ids": goods[start : start + LEAVE_LIMIT]}
                left = self.http.post(paths.PROMOTIONS_LEAVE, json=body, safe=True)["result"]["product_ids"]
                yield from (wanted[int(one)] for one in left or () if int(one) in wanted)


def _lasts(action: dict[str, Any], now: datetime) -> bool:
    begins, ends = (_time(action.get(name)) for name in ("date_from", "date_to"))
    return (begins is None or begins <= now) and (ends is None or now <= ends)


def _time(told: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
