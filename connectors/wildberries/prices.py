"""Prices: uploaded by the thousand, worked on later, answered good by good.

An answer to an upload only says that it was taken. What became of each price is told by the upload's history:
a good that is sold off by Wildberries keeps its price, and one that would become three times cheaper goes into
quarantine and is sold at the old price until a person confirms it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.wildberries import paths
from connectors.wildberries.base import product_id, split_id
from connectors.wildberries.discount import HABITS, Said, plain, say
from connectors.wildberries.errors import VendorRefused
from connectors.wildberries.promotions import Joined, Promotions
from obmen.connector import lookup, poll, reader, writer
from obmen.errors import Refused
from obmen.http import encode_json
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError, decode_json

LIMIT = 1000
_SYNCING = 300.0
_LOST_AFTER = 3600.0
_DONE, _CANCELLED, _PARTLY, _FAILED = 3, 4, 5, 6
_WORKING = {1, 2}
_ROW_DONE, _ROW_FAILED = 2, 3
_ALREADY_SET = "are already set"
_UNKNOWN_GOOD = "Invalid item No"
_QUARANTINE = "Quarantine"


class Prices(Promotions):
    """Prices: natural id ``product`` (nmID:chrtID). All sizes of a card have one price."""

    price_habits = HABITS

    @reader("price", key="product", complete=True)
    def prices(self, cursor: str | None) -> Iterator[Page]:  # noqa: ARG002 - a whole read needs none
        """Read the price of every card that is not in the trash, in the shape that ``set_prices`` takes."""
        offset = 0
        while True:
            reply = self.call(paths.PRICES, params={"limit": str(LIMIT), "offset": str(offset)})
            goods: list[Native] = reply["data.listGoods"]
            if not goods:
                return
            joined = self.joined()
            natives = (native for good in goods for native in _natives(good, joined))
            yield Page([encode_json(native) for native in natives], where=reply.what)
            offset += LIMIT

    @lookup("price", batch=LIMIT)
    def look_up_prices(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read the prices of these products."""
        wanted = set(ids)
        numbers = list(dict.fromkeys(split_id(id_)[0] for id_ in ids))
        reply = self.call(paths.PRICES_OF, json={"nmList": numbers}, safe=True)
        joined = self.joined()
        for raw in reply.slices("data.listGoods"):
            for good in decode_json(raw):
                yield from (native for native in _natives(good, joined) if native["product"] in wanted)

    @writer("price", key="product", batch=LIMIT, absolute=True)
    def set_prices(self, batch: Batch) -> Iterator[Outcome]:
        """Upload prices and discounts (``upload/task``); the same upload twice is one upload to Wildberries."""
        said: dict[int, Said] = {}
        takers: dict[int, list[Item]] = {}
        for item in batch.items:
            try:
                number, wanted = split_id(item.id)[0], self._said(item.payload)
                _agree(number, said.setdefault(number, wanted), wanted)
                takers.setdefault(number, []).append(item)
            except Refused as error:
                yield batch.refused(item.id, [RecordError(error.code, str(error), error.field)])
        if not takers:
            return
        yield from self._upload(batch, said, takers)

    def _upload(self, batch: Batch, said: Mapping[int, Said], takers: Mapping[int, list[Item]]) -> Iterator[Outcome]:
        rows = [{"nmID": n, "price": said[n].price, "discount": said[n].discount} for n in takers]
        items = [item for group in takers.values() for item in group]
        try:
            reply = self.call(paths.PRICES_SET, json={"data": rows}, safe=True)
        except VendorRefused as error:
            known = self._known_cards(list(takers)) if _UNKNOWN_GOOD in error.said else set()
            if not known or known == takers.keys():
                yield from _refused(batch, items, len(rows), len(known), error)
                return
            yield from (_unknown_yet(batch, item) for number in takers.keys() - known for item in takers[number])
            yield from self._upload(batch, said, {number: takers[number] for number in takers if number in known})
            return
        ticket = f"{reply['data.id']} {self.clock.now().astimezone(UTC).isoformat(timespec='seconds')}"
        yield from (batch.accepted(item.id, ticket) for item in items)

    @poll("price")
    def priced(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Ask the upload; what it does not tell yet is not mentioned (``history/tasks``, ``history/goods/task``)."""
        number, _, since = ticket.partition(" ")
        state = self.call(paths.PRICES_STATE, params={"uploadID": number}).get("data") or {}
        status = state.get("status")
        if status is None or status in _WORKING:
            age = (self.clock.now() - datetime.fromisoformat(since)).total_seconds()
            if age > _LOST_AFTER:
                reason = f"Wildberries does not tell what became of the upload {number}"
                yield from (batch.later(item.id, reason) for item in batch.items)
        elif status == _DONE:
            yield from (batch.done(item.id) for item in batch.items)
        elif status == _CANCELLED:
            yield from (batch.later(item.id, f"the upload {number} was cancelled") for item in batch.items)
        elif status in {_PARTLY, _FAILED}:
            rows = self._upload_rows(number)
            yield from (_row_outcome(batch, item, rows.get(split_id(item.id)[0])) for item in batch.items)
        else:
            message = f"The upload ended as {status}, which Obmen does not know."
            yield from (batch.refused(item.id, [RecordError("unknown_status", message)]) for item in batch.items)

    def foresee(self, entity: str, payload: Native, before: Mapping[str, Any] | None) -> str:
        """Tell a price that Wildberries will round, refuse, or hold in its quarantine."""
        if entity != "price":
            return ""
        try:
            said = self._said(payload)
        except Refused as error:
            return str(error)
        told = []
        if said.sold != Decimal(str(payload["amount"])):
            crossed = f", crossed out {said.price}" if said.discount else ""
            told.append(f"It will be sold at {plain(said.sold)}{crossed}: Wildberries takes whole rubles and percents.")
        now = Decimal(str(before["amount"])) if before and before.get("amount") is not None else None
        if now is not None and self.price_habits.holds_back(now, said.sold):
            told.append(
                f"Wildberries will hold it in its price quarantine ({plain(now)} → {plain(said.sold)} is three times "
                "cheaper or more) and sell at the old price until it is confirmed in the cabinet."
            )
        return " ".join(told)

    def _said(self, payload: Native) -> Said:
        old = payload.get("old_amount")
        amount, old_amount = Decimal(str(payload["amount"])), None if old is None else Decimal(str(old))
        return say(amount, old_amount, self.options.rounding)

    def _known_cards(self, numbers: Sequence[int]) -> set[int]:
        """Return those of the cards whose prices Wildberries knows already."""
        goods: list[Native] = self.call(paths.PRICES_OF, json={"nmList": list(numbers)}, safe=True)["data.listGoods"]
        return {good["nmID"] for good in goods}

    def _upload_rows(self, number: str) -> dict[int, Native]:
        rows: dict[int, Native] = {}
        offset = 0
        while True:
            params = {"uploadID": number, "limit": str(LIMIT), "offset": str(offset)}
            told: list[Native] = self.call(paths.PRICES_ROWS, params=params).get("data.historyGoods") or []
            rows.update((row["nmID"], row) for row in told)
            if len(told) < LIMIT:
                return rows
            offset += LIMIT


def _natives(good: Native, joined: Mapping[int, Sequence[Joined]]) -> Iterator[Native]:
    """Yield a price for each size of a good as it is sold; without a discount nothing is crossed out.

    ``promotions``: the names of those that make it so.
    """
    for size in good.get("sizes") or []:
        sold = Decimal(str(size["discountedPrice"]))
        native: Native = {
            "product": product_id(good["nmID"], size["sizeID"]),
            "vendorCode": good.get("vendorCode", ""),
            "amount": plain(sold),
            "currency": good.get("currencyIsoCode4217", "RUB"),
        }
        if good.get("discount"):
            native["old_amount"] = str(size["price"])
        names = [one.name for one in joined.get(good["nmID"], ()) if one.made(sold, good.get("discount", 0))]
        if names:
            native["promotions"] = names
        if size["price"]:
            yield native


def _agree(number: int, first: Said, other: Said) -> None:
    if first == other:
        return
    message = (
        f"The sizes of the card {number} have different prices ({plain(first.sold)} and {plain(other.sold)}), but "
        "Wildberries sells all sizes of a card at one. Give them one price in the source."
    )
    raise Refused(message, code="size_prices", field="amount")


def _refused(batch: Batch, items: Sequence[Item], cards: int, known: int, error: VendorRefused) -> Iterator[Outcome]:
    """The upload was refused as a whole. Of several cards the engine finds the one that is meant."""
    if _ALREADY_SET in error.said:
        yield from (batch.done(item.id) for item in items)
    elif _UNKNOWN_GOOD in error.said and (not known or cards == 1):
        yield from (_unknown_yet(batch, item) for item in items)
    elif cards > 1:
        raise error
    else:
        yield from (batch.refused(item.id, [RecordError(error.code, error.said, "amount")]) for item in items)


def _unknown_yet(batch: Batch, item: Item) -> Outcome:
    reason = "Wildberries does not know the card here yet; a new card takes up to half an hour"
    return batch.later(item.id, reason, after=_SYNCING)


def _row_outcome(batch: Batch, item: Item, row: Native | None) -> Outcome:
    if row is None:
        return batch.later(item.id, "Wildberries' history of the upload does not name the card")
    if row["status"] == _ROW_DONE:
        return batch.done(item.id)
    said = str(row.get("errorText") or "refused without a reason")
    if row["status"] != _ROW_FAILED:
        said = f"The price ended as {row['status']}, which Obmen does not know. {said}"
        return batch.refused(item.id, [RecordError("unknown_status", said, "amount")])
    if _QUARANTINE in said:
        step = "Confirm it in the cabinet (Цены и скидки → Карантин), or send another price."
        return batch.refused(item.id, [RecordError("price_quarantine", f"{said}. {step}", "amount")])
    return batch.refused(item.id, [RecordError("price_refused", said, "amount")])
