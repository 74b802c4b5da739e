"""Promotions of Wildberries' calendar: which goods stand at a promotion's price now.

A promotion of Wildberries replaces the seller's own discount, so the list of prices shows its price as if the seller
had set it. Taken for a price that was not kept it would be sent again, and that takes the good out of a promotion which
somebody has put it into. The calendar tells the goods of a promotion; of those that goods get into by themselves
(``auto``) it does not. There is no call by which a good leaves one, so ``leave`` is not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from connectors.wildberries import paths
from connectors.wildberries.base import Base
from connectors.wildberries.errors import VendorRefused
from connectors.wildberries.rights import BASIC, read_token
from obmen.promotion import Promotion
from obmen.records import Native

PROMOTION_LIMIT = 1000
AROUND = timedelta(days=60)
"""The period that is asked for, before and after now: whether one that only touches it is told is not specified."""
FRESH = timedelta(minutes=5)
"""How long the calendar is not asked again: about as long as many pages of prices are read."""
_OVER = "422"


@dataclass(frozen=True, slots=True)
class Joined:
    """What a promotion that runs makes of one good's price: its ``discount`` (%), or what it may cost at most."""

    name: str
    price: Decimal | None
    discount: int | None

    def made(self, sold: Decimal, discount: int) -> bool:
        """Whether a good that is sold so stands at this promotion's price."""
        return discount == self.discount or sold == self.price


class Promotions(Base):
    """What promotions make of prices."""

    _calendar: tuple[datetime, Mapping[int, Sequence[Joined]]] | None = None

    def promotion(self, entity: str, native: Native) -> Promotion | None:
        """Say which promotion makes the price that was read."""
        names = native.get("promotions") if entity == "price" else None
        return Promotion(native["product"], Decimal(native["amount"]), tuple(dict.fromkeys(names))) if names else None

    def joined(self) -> Mapping[int, Sequence[Joined]]:
        """Return nmID → the promotions that run now and that the card takes part in (``calendar/promotions``).

        Nothing for a basic token: it may ask the calendar once an hour.
        """
        now = self.clock.now()
        if self._calendar is None or now - self._calendar[0] > FRESH:
            self._calendar = (now, self._ask_calendar(now))
        return self._calendar[1]

    def _ask_calendar(self, now: datetime) -> Mapping[int, Sequence[Joined]]:
        token = read_token(self.options.token.get_secret_value())
        if token is not None and token.kind == BASIC:
            return {}
        found: dict[int, list[Joined]] = {}
        for number, name in self._running(now):
            for good in self._goods_of(number):
                price = good.get("planPrice")
                one = Joined(name, None if price is None else Decimal(str(price)), good.get("planDiscount"))
                found.setdefault(good["id"], []).append(one)
        return found

    def _running(self, now: datetime) -> Iterator[tuple[int, str]]:
        """Yield number and name of the promotions that run and whose goods are told."""
        since, until = (f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for moment in (now - AROUND, now + AROUND))
        asked = {"startDateTime": since, "endDateTime": until, "allPromo": "true"}
        for one in self._paged(paths.PROMOTIONS, "data.promotions", asked):
            begins, ends = (datetime.fromisoformat(one[name]) for name in ("startDateTime", "endDateTime"))
            if one["type"] == "regular" and begins <= now <= ends:
                yield one["id"], one["name"]

    def _goods_of(self, number: int) -> list[Native]:
        try:
            asked = {"promotionID": str(number), "inAction": "true"}
            return list(self._paged(paths.PROMOTION_GOODS, "data.nomenclatures", asked))
        except VendorRefused as error:
            if error.code == _OVER:  # it ended since the calendar was read
                return []
            raise

    def _paged(self, path: paths.Path, at: str, asked: Mapping[str, str]) -> Iterator[Native]:
        offset = 0
        while True:
            params = {**asked, "limit": str(PROMOTION_LIMIT), "offset": str(offset)}
            rows: list[Native] = self.call(path, params=params).get(at) or []
            yield from rows
            if len(rows) < PROMOTION_LIMIT:
                return
            offset += PROMOTION_LIMIT
