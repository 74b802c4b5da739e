"""Prices: those of the whole cabinet, or of one shop where the cabinet allows them.

Market takes a price at once and shows it minutes later, or holds it back because it differs too much from the
one before. So a price counts as set only when it is seen, and one that is held back is told in Market's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from connectors.yandex_market import paths, price_rules
from connectors.yandex_market.errors import Rejected
from connectors.yandex_market.promotions import Promotions, Running, beside
from obmen.connector import lookup, poll, reader, writer
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError, decode_json

PRICE_LIMIT, PRICE_PAGE, PRICE_IDS, CONFIRM_LIMIT = 500, 500, 200, 200
_SETTLING, _LOST = 60.0, 3600.0
_ATTEMPTS = 3


class Prices(Promotions):
    """Prices: natural id ``offerId``. What promotions make of one is told beside it."""

    price_habits = price_rules.HABITS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.price_habits = price_rules.habits_of(self.options)

    @reader("price", key="offerId", complete=True)
    def prices(self, cursor: str | None) -> Iterator[Page]:  # noqa: ARG002 - a whole read needs none
        """Read the price of every card that has one."""
        shop = self.options.price_campaign
        operation = paths.PRICES if shop is None else paths.SHOP_PRICES
        body = {"archived": False} if shop is None else {}
        for reply in self.pages(operation, limit=PRICE_PAGE, campaign=shop, json=body):
            yield Page(reply.slices("result.offers"), decode=partial(_priced, running=self.running()), where=reply.what)

    @lookup("price", batch=PRICE_IDS)
    def look_up_prices(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read the prices of these articles."""
        rows = self._shown(ids)
        running = self.running() if rows else ()
        for raw in rows:
            yield from _priced(raw, running)

    @writer("price", key="offerId", batch=PRICE_LIMIT, absolute=True)
    def set_prices(self, batch: Batch) -> Iterator[Outcome]:
        """Set prices (``updateBusinessPrices`` or ``updatePrices``); what breaks a rule is not sent along.

        Market refuses a batch as a whole; where it names the offers that it means, the others are sent again.
        """
        rows = {item.id: self._as_sent(item.payload) for item in batch.items}
        for id_, row in list(rows.items()):
            error = price_rules.fault(row)
            if error is not None:
                yield batch.refused(id_, [error])
                del rows[id_]
        while rows:
            try:
                self._send_prices(list(rows.values()))
            except Rejected as refusal:
                named = refusal.by_offer(rows)
                if not named:
                    raise
                for id_, errors in named.items():
                    yield batch.refused(id_, errors)
                    del rows[id_]
            else:
                break
        ticket = f"{self.clock.now().timestamp():.0f}"
        yield from (batch.accepted(id_, ticket, after=_SETTLING) for id_ in rows)

    @poll("price")
    def seen_prices(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Look whether the prices are seen by now; of those that are not, which ones Market holds back."""
        for items in _parts(batch.items, PRICE_IDS):
            rows = self._shown([item.id for item in items])
            shown = {native["offerId"]: native for raw in rows for native in _priced(raw)}
            unseen = []
            for item in items:
                there = shown.get(item.id)
                if there and price_rules.same(there["price"], self._as_sent(item.payload)["price"]):
                    yield batch.done(item.id)
                else:
                    unseen.append(item)
            if unseen:
                yield from self._held_or_late(batch, unseen, shown, float(ticket))

    def foresee_price(self, payload: Native, before: Mapping[str, Any] | None) -> str:
        """Say which rule a price breaks, or that Market will hold it back."""
        row = self._as_sent(payload)
        error = price_rules.fault(row)
        if error is not None:
            return f"Market will refuse this price: {error.message}"
        old = (before or {}).get("amount")
        if old is None:
            return ""
        return price_rules.jump(Decimal(row["price"]["value"]), Decimal(old), self.price_habits)

    def _shown(self, ids: Sequence[str]) -> list[bytes]:
        shop = self.options.price_campaign
        operation = paths.PRICES if shop is None else paths.SHOP_PRICES
        reply = self.call(operation, safe=True, campaign=shop, json={"offerIds": list(ids)}, weight=len(ids))
        return reply.slices("result.offers")

    def _held_or_late(
        self, batch: Batch, unseen: list[Item], shown: Mapping[str, Native], sent_at: float
    ) -> Iterator[Outcome]:
        held = self.held_back([item.id for item in unseen])
        if held and self.options.confirm_quarantine:
            self._confirm(list(held))
            yield from (batch.done(id_) for id_ in held)
        else:
            yield from (batch.refused(id_, [price_rules.verdict(row)]) for id_, row in held.items())
        if self.clock.now().timestamp() - sent_at <= _LOST:
            return
        for item in unseen:
            if item.id in held:
                continue
            if item.attempt < _ATTEMPTS or item.id not in shown:
                yield batch.later(item.id, "Market took the price an hour ago and does not show it")
            else:
                yield batch.refused(item.id, [price_rules.not_shown(item.payload, shown[item.id])])

    def held_back(self, ids: Sequence[str]) -> dict[str, Native]:
        """Return those of these articles whose price Market holds back, as ``price-quarantine`` tells it."""
        shop = self.options.price_campaign
        operation = paths.QUARANTINE if shop is None else paths.SHOP_QUARANTINE
        reply = self.call(operation, safe=True, campaign=shop, json={"offerIds": list(ids)})
        return {row["offerId"]: row for row in reply["result.offers"] if row["offerId"] in ids}

    def withheld(self, entity: str, ids: Sequence[str]) -> Mapping[str, RecordError | None]:
        """Return those of these prices that Market holds back; ``confirm_quarantine`` has them confirmed."""
        if entity != "price":
            return {}
        held: dict[str, Native] = {}
        for start in range(0, len(ids), PRICE_IDS):
            held.update(self.held_back(ids[start : start + PRICE_IDS]))
        if not self.options.confirm_quarantine:
            return {id_: price_rules.verdict(row) for id_, row in held.items()}
        for start in range(0, len(held), CONFIRM_LIMIT):
            self._confirm(list(held)[start : start + CONFIRM_LIMIT])
        return dict.fromkeys(held)

    def _confirm(self, ids: list[str]) -> None:
        shop = self.options.price_campaign
        operation = paths.QUARANTINE_CONFIRM if shop is None else paths.SHOP_QUARANTINE_CONFIRM
        self.call(operation, safe=True, campaign=shop, json={"offerIds": ids}, weight=len(ids))

    def _send_prices(self, rows: list[Native]) -> None:
        shop = self.options.price_campaign
        operation = paths.PRICES_SET if shop is None else paths.SHOP_PRICES_SET
        self.call(operation, safe=True, campaign=shop, json={"offers": rows}, weight=len(rows))

    def _as_sent(self, payload: Native) -> Native:
        shop = self.options.price_campaign is not None
        return price_rules.as_sent(payload, self.options.rounding, shop=shop)


def _priced(raw: bytes, running: Sequence[Running] = ()) -> Iterator[Native]:
    """Yield the offer if it has a price, with no more of it than can be set, and its promotions."""
    for read in decode_json(raw):
        price = read.get("price") or {}
        if price.get("value") is not None and price.get("currencyId"):
            names = ("value", "currencyId", "discountBase", "minimumForBestseller")
            told = {name: price[name] for name in names if price.get(name)}
            yield {"offerId": read["offerId"], "price": told, **beside(read["offerId"], running)}


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
