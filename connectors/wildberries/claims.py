"""Returns: what a buyer asks to give back, and what is on its way back to the seller.

Wildberries tells a return twice: as the buyer's claim, for fourteen days, and as goods that travel. Both name the
one unit by its ``srid``; so a return is known by that, and once the goods travel only they are told. Otherwise
one unit would come back twice. Neither names the size that was sold; it is found in the order or by the barcode.

Not all that travels to the seller comes from a buyer: Wildberries also sends back what lay in its own warehouses and
was never sold. Taken for a return, such a unit would be paid back to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec

from connectors.wildberries import paths
from connectors.wildberries.base import product_id
from connectors.wildberries.listing import made_between, portions
from connectors.wildberries.orders import Orders
from connectors.wildberries.schemes import chosen
from connectors.wildberries.shelf import Shelf
from obmen.connector import reader
from obmen.records import Native, Page, decode_json

CLAIMED = 200
REPORTED = timedelta(days=30)
"""The report of returned goods covers 31 days at most, the first and the last one among them."""
_LOOKS_BACK = 3
_PAGE = 500
_NEAR = timedelta(hours=4)
"""An order's time in a claim has no zone, which may be off by three hours."""
MOSCOW = timezone(timedelta(hours=3))
_OLDER = "returns/older"
_FROM_BUYERS = frozenset(
    {
        "Возврат товара, который приехал по МП, продавцу",
        "Возврат по инициативе покупателя",
        "Возврат от покупателя",
    }
)
_FROM_STOCK = frozenset(
    {
        "Возврат заблокированного товара",
        "Возврат брака",
        "Возврат неверного вложения",
        "Возврат неопознанного товара",
        "Возврат по инициативе продавца",
    }
)
"""``returnType`` of what comes back out of a sale, and of what comes out of Wildberries' warehouses unsold."""


class _Older(msgspec.Struct):
    """``srids``: the units of the earlier periods of the report of goods, as they were told on ``day``."""

    day: date
    srids: list[str]


class Returns(Orders, Shelf):
    """Returns: natural id ``srid``, the unit that comes back."""

    @reader("return", key="srid")
    def returns(self, cursor: str | None) -> Iterator[Page]:  # noqa: ARG002 - what is older is known by the day
        """Read the goods that travel back and the claims of other units (``goods-return``, ``claims``).

        The report of goods may be asked for once a minute; so its last period is read each time, and the two before
        it once a day. Natives: the vendor's row, with ``state`` (``claim/status/status_ex``,
        or of goods ``goods/…``, ``stock/…`` if never sold, or the vendor's own word where nobody knows the kind),
        ``occurred`` (UTC), ``order`` (the assembly order's id) and the one unit as ``units``: ``product``
        (nmID:chrtID), ``article``, as far as they are found.
        """
        today = self.clock.now().astimezone(MOSCOW).date()
        older = self._older()
        travelling: dict[str, bytes] = {}
        if older is None or older.day != today:
            travelling = self._travelling(today, range(_LOOKS_BACK, 1, -1))
            older = _Older(today, sorted(travelling))
        travelling |= self._travelling(today, [1])
        known = {*travelling, *older.srids}
        rows = travelling | {srid: raw for srid, raw in self._claimed().items() if srid not in known}
        for some in portions(list(rows), _PAGE):
            yield Page([rows[srid] for srid in some], ids=some, expand=self._expanded_returns)
        if older != self._older():
            self.memory.put(_OLDER, msgspec.json.encode(older))

    def _older(self) -> _Older | None:
        kept = self.memory.get(_OLDER)
        return msgspec.json.decode(kept, type=_Older) if kept else None

    def _travelling(self, today: date, periods: Iterable[int]) -> dict[str, bytes]:
        """Return the rows of some periods, the last one being the first, by srid."""
        rows: dict[str, bytes] = {}
        for back in periods:
            until = today - (back - 1) * REPORTED
            params = {"dateFrom": str(until - REPORTED), "dateTo": str(until)}
            for raw in self.call(paths.GOODS_RETURNED, params=params).slices("report"):
                for row in decode_json(raw):
                    rows[str(row["srid"])] = raw
        return rows

    def _claimed(self) -> dict[str, bytes]:
        """Return the newest claim of each unit, of those under consideration and of those in the archive."""
        newest: dict[str, tuple[str, bytes]] = {}
        for archived in ("false", "true"):
            offset, total = 0, 1
            while offset < total:
                params = {"is_archive": archived, "limit": str(CLAIMED), "offset": str(offset)}
                reply = self.call(paths.CLAIMS, params=params)
                slices = reply.slices("claims")
                for raw in slices:
                    for row in decode_json(raw):
                        at = str(row.get("dt_update") or row.get("dt") or "")
                        if at >= newest.get(row["srid"], ("", b""))[0]:
                            newest[row["srid"]] = (at, raw)
                offset, total = offset + len(slices), reply["total"] if slices else 0
        return {srid: raw for srid, (_, raw) in newest.items()}

    def _expanded_returns(self, rows: Sequence[bytes]) -> Iterable[list[Native]]:
        natives = [native for raw in rows for native in decode_json(raw)]
        orders = self._orders_of([native for native in natives if "claim_type" in native])
        cards: dict[int, Mapping[str, Any] | None] = {}
        for native in natives:
            order = orders.get(native["srid"])
            if "claim_type" in native:
                native["state"] = f"claim/{native['status']}/{native['status_ex']}"
                native["occurred"] = _utc(native["dt"])
                native["claimed_for"] = native.pop("price", None)
            else:
                native["state"] = _goods_state(native)
                native["occurred"] = _utc(native["orderDt"])
            if native["state"].startswith("stock/"):
                found = {}
            elif order is not None:
                found = {"order": str(order["id"]), "article": order["article"], "product": order["product"]}
            else:
                found = self._goods_of_return(native, cards)
            native.update(found)
            unit = {name: native[name] for name in ("product", "article", "srid") if name in native}
            native["units"] = [{**unit, "quantity": 1}]
        return [[native] for native in natives]

    def _goods_of_return(self, native: Native, cards: dict[int, Mapping[str, Any] | None]) -> Native:
        """Return what the card tells of a unit whose order is not known."""
        card_id = native.get("nm_id") or native.get("nmId") or 0
        if card_id not in cards:
            cards[card_id] = self._card_of_return(card_id)
        known: Native = {"order": str(native["orderId"])} if native.get("orderId") else {}
        card = cards[card_id]
        if card is None:
            return known
        sizes = card["sizes"]
        if native.get("barcode"):
            sizes = [size for size in sizes if native["barcode"] in size["skus"]]
        if len(sizes) == 1:
            known |= {"article": card["vendorCode"], "product": product_id(card["nmID"], sizes[0]["chrtID"])}
        return known

    def _card_of_return(self, card_id: int) -> Mapping[str, Any] | None:
        for path in (paths.CARDS, paths.TRASH):
            for reply in self.walk(path, text=str(card_id)):
                for card in reply["cards"]:
                    if card["nmID"] == card_id:
                        found: Mapping[str, Any] = card
                        return found
        return None

    def _orders_of(self, claims: Sequence[Native]) -> dict[str, Native]:
        """Return the orders of these claims by srid, as far as they are still listed."""
        wanted = {claim["srid"] for claim in claims}
        found: dict[str, Native] = {}
        for begin, end in _merged(sorted(_moment(claim["order_dt"]) for claim in claims if claim.get("order_dt"))):
            for scheme in chosen(self.options.schemes):
                for raw in made_between(self, scheme, begin, end):
                    for order in self._decoded_order(scheme, raw):
                        if order["rid"] in wanted:
                            found[order["rid"]] = order
        return found


def _goods_state(row: Native) -> str:
    told = str(row.get("returnType") or "no returnType")
    kind = "goods" if told in _FROM_BUYERS else "stock" if told in _FROM_STOCK else told
    if row.get("completedDt"):
        return f"{kind}/given"
    return f"{kind}/travelling" if row.get("isStatusActive") else f"{kind}/gone"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=MOSCOW)


def _utc(text: str) -> str:
    """Turn Wildberries' Moscow time, or a day of it, into UTC."""
    return _moment(text).astimezone(UTC).isoformat()


def _merged(moments: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Yield periods around these moments, those that touch as one, none longer than a list allows."""
    begin = end = None
    for moment in moments:
        if begin is not None and end is not None and moment - _NEAR <= end and moment + _NEAR - begin < REPORTED:
            end = moment + _NEAR
            continue
        if begin is not None and end is not None:
            yield begin, end
        begin, end = moment - _NEAR, moment + _NEAR
    if begin is not None and end is not None:
        yield begin, end


def day(moment: datetime) -> date:
    """Return the day in Moscow, by which Wildberries reports."""
    return moment.astimezone(MOSCOW).date()
