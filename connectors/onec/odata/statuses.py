"""Statuses of orders: read by a window of dates, written without ever taking an order a step back.

A channel that is told to pack must be told what: the lines that a person has cancelled are looked at after the
statuses, so that no order is told as ready whole because both were changed between two calls.

With the status goes what only the seller can tell of it: why goods are not coming (ПричинаОтмены of the lines), and the
code that a buyer says when he takes an order (``[код …]`` in the comment), for stock UT has no field for one.

A status of a channel arrives late as often as not; written as it comes, it would undo what a person in 1C
has done since. And If-Match is not honoured by every base, so the order is compared before the change and
after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.onec.odata.cancelled_lines import CancelledLines
from connectors.onec.odata.client import OData, is_reference, moment
from connectors.onec.odata.documents import post
from connectors.onec.odata.errors import CHANGED_MEANWHILE
from connectors.onec.odata.journal import STANDING
from connectors.onec.odata.late_cancel import LATE, LateCancel, cancel_unshipped, stands_as_shipped
from connectors.onec.odata.lines import number
from connectors.onec.odata.marking import Marking
from connectors.onec.odata.metadata import Metadata
from connectors.onec.odata.names import Names
from connectors.onec.odata.order_body import CHANNEL, DOCUMENT, NUMBER, ROW, channel_told
from connectors.onec.odata.shipments import goods, of_order, quantities, shipped_among, shipped_since
from connectors.onec.odata.tables import either
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Item, Page
from obmen.errors import Denied, InDoubt, Later, Refused, Unavailable, meant
from obmen.memory import Memory
from obmen.records import Native

CANCELLED = "Отменен"
CLOSED = "Закрыт"
SHIPPED = "Отгружен"
_AGREED = "КОбеспечению"
_SHIPPING = "КОтгрузке"
STEPS = ("НеСогласован", _AGREED, _SHIPPING, CLOSED)
"""The statuses of Заказ клиента in the order in which they follow (Enum.СтатусыЗаказовКлиентов)."""

_TOLD = ("Ref_Key", "Number", "Date", "Статус", NUMBER)
_READ = (*_TOLD, "Комментарий")
_REASONS = "ПричиныОтменыЗаказовКлиентов"
_CODE = re.compile(r"\[код[\s:]+(\S+?)\s*\]", re.IGNORECASE)
_ROUNDS = 3


class Statuses:
    """The statuses of one base's orders. ``name`` is the connection's: the channel of orders that were made in 1C."""

    def __init__(
        self,
        base: OData,
        options: OneCOptions,
        clock: Clock,
        memory: Callable[[], Memory] | None = None,
        name: str = "",
    ) -> None:
        self._base, self._name = base, name
        self._options = options
        self._clock = clock
        self._cancelled_lines = CancelledLines(memory)
        self._marking = Marking(base)
        self._names = Names(base, options.order)
        self._late = LateCancel(base, options, clock)

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield the posted orders that are told, dated since the cursor less the look-back.

        A record is ``_TOLD``, ``Канал`` as ``channel_told`` knows it, and ``Состояние``: the status, or ``Отгружен``
        for one that is КОтгрузке and has a shipment, or ``Отменен`` for a closed order all of whose lines are
        cancelled, or that its channel cancelled after the shipment. Where people cancelled some of the lines,
        ``Упаковки`` are what is left (``CancelledLines.packed``); an order that may be packed and has
        nothing left is ``КОбеспечению``, until somebody closes it; with marking codes in its shipments they are all
        that is packed (``Marking``). ``Причина`` is why lines are cancelled,
        ``КодПолучения`` of a closed order what its comment tells. The cursor is the naive local time at which the
        last whole read began.
        """
        now = self._clock.now().astimezone(ZoneInfo(self._options.timezone)).replace(tzinfo=None, microsecond=0)
        since = (datetime.fromisoformat(cursor) if cursor else now) - timedelta(days=self._options.lookback_days)
        where = f"Date ge {moment(since)} and {self._told}"
        shipped = shipped_since(self._base, f"Date ge {moment(since)}")
        listed = list(self._base.pages(DOCUMENT, where=where, select=_READ))
        lines = self._with_cancelled_lines(where)
        scanned = self._marking.since(f"Date ge {moment(since)}")
        for rows in listed:
            natives = (self._native(row, lines.get(row["Ref_Key"], ()), shipped) for row in rows)
            yield self._marking.page(natives, scanned)
        yield Page((), cursor=now.isoformat(), where=DOCUMENT)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield what these orders are now, by their references."""
        for where in either("Ref_Key", (ref for ref in ids if is_reference(ref))):
            for rows in self._base.pages(DOCUMENT, where=f"({where}) and {self._told}", select=(*_READ, "Товары")):
                shipping = [row["Ref_Key"] for row in rows if row["Статус"] == _SHIPPING]
                shipped = shipped_among(self._base, shipping)
                natives = [self._native(row, row.get("Товары") or (), shipped) for row in rows]
                yield from self._marking.told(natives, self._marking.among([str(row["Ref_Key"]) for row in rows]))

    def _native(self, row: Native, lines: Sequence[Native], shipped: frozenset[str]) -> Native:
        """Return an order as it is told; ``lines`` may be left out of one that has no cancelled ones."""
        state = str(row["Статус"])
        if state == _SHIPPING and row["Ref_Key"] in shipped:
            state = SHIPPED
        if _all_cancelled(lines):
            state = {CLOSED: CANCELLED, _SHIPPING: _AGREED}.get(state, state)
        if state == CLOSED and LATE in str(row.get("Комментарий") or ""):
            state = CANCELLED
        native = {**{name: row[name] for name in _TOLD}, CHANNEL: channel_told(row, self._name), "Состояние": state}
        if (
            row["Статус"] in {_SHIPPING, CLOSED}
            and state != CANCELLED
            and (packages := self._cancelled_lines.packed(row["Ref_Key"], lines))
        ):
            native["Упаковки"] = packages
        if (state == CANCELLED or "Упаковки" in native) and (reason := self._reason(lines)):
            native["Причина"] = reason
        if state == CLOSED and (code := _CODE.search(str(row.get("Комментарий") or ""))):
            native["КодПолучения"] = code[1]
        return native

    def _reason(self, lines: Sequence[Native]) -> str | None:
        """Return the name of the reason for which people cancelled lines, the first that stands there."""
        told = (line.get("ПричинаОтмены_Key") for line in lines if line.get("Отменено") is True)
        return next(filter(None, (self._names.of(_REASONS, ref) for ref in told)), None)

    @property
    def _told(self) -> str:
        """Which orders' statuses are told: those of channels, and if wished those that were made in 1C."""
        return STANDING if self._options.own_orders else f"{NUMBER} ne '' and {STANDING}"

    def _with_cancelled_lines(self, where: str) -> Mapping[str, Sequence[Native]]:
        """Return the lines of the orders that are packed or closed and have cancelled ones, reading few others."""
        packed = f"{where} and (Статус eq '{_SHIPPING}' or Статус eq '{CLOSED}')"
        try:
            return self._lines(f"{packed} and Товары/any(d: d/Отменено eq true)")
        except Refused:
            return self._lines(packed)

    def _lines(self, where: str) -> Mapping[str, Sequence[Native]]:
        return {
            row["Ref_Key"]: row["Товары"]
            for rows in self._base.pages(DOCUMENT, where=where, select=("Ref_Key", "Товары"))
            for row in rows
            if any(line.get("Отменено") is True for line in row.get("Товары") or ())
        }

    def write(self, item: Item) -> str:
        """Bring the order to the payload's ``Состояние``, post it, and return its reference.

        An order that is there already, or further, is left as it is; but one that an earlier attempt may have
        left unposted is posted. Of a cancelled one, what was shipped stands, and ``LateCancel`` sees to its goods.
        Raises Refused (what a person must see to), Later (somebody keeps changing
        the order), InDoubt (it was changed, and whether it was posted is unknown).
        """
        ref, target = str(item.payload["Ref_Key"]), str(item.payload["Состояние"])
        if target not in (*STEPS, CANCELLED):
            message = f"'{target}' is no status of {DOCUMENT}.{meant(target, (*STEPS, CANCELLED))}"
            raise Refused(message, code="unknown_status", field="Состояние")
        for said_before in range(item.attempt - 1, item.attempt - 1 + _ROUNDS):
            order = self._existing(ref)
            if order.get("DeletionMark") is True and target == CANCELLED:
                return ref
            shipments = of_order(self._base, ref) if target == CANCELLED else []
            if _reached(order, target, shipments):
                if said_before and order.get("Статус") == _status(target):
                    post(self._base, DOCUMENT, ref)
            elif not self._changed(order, target, str(item.payload.get("Причина", "")), shipments):
                continue
            if shipments:
                self._late.settle(order, shipments)
            return ref
        message = f"The order {ref} was changed in 1C {_ROUNDS} times while its status was being written."
        raise Later(message)

    def _existing(self, ref: str) -> Native:
        order = self._base.get(DOCUMENT, ref)
        if order is None:
            message = f"The order {ref} is no longer in the base: somebody deleted it. Drop the record."
            raise Refused(message, code="not_found", field="Ref_Key")
        return order

    def _changed(self, order: Native, target: str, reason: str, shipments: Sequence[Native]) -> bool:
        """Change and post the order; False if it changed under our hands and must be looked at again."""
        ref = str(order["Ref_Key"])
        if order.get("DeletionMark") is True:
            message = (
                f"The order {order.get('Number', ref)} is marked for deletion in 1C and cannot become"
                f" {target}. Take the mark off and replay the record, or drop it."
            )
            raise Refused(message, code="deletion_mark")
        change = self._change(order, target, reason, shipments)
        try:
            self._base.change(DOCUMENT, ref, change, version=str(order.get("DataVersion") or ""))
        except Refused as refused:
            if refused.code == CHANGED_MEANWHILE:
                return False
            raise
        try:
            self._post(ref, change, {name: order[name] for name in change})
        except (Denied, Unavailable) as error:
            message = f"{error} The order {ref} has its new status and may not be posted yet."
            raise InDoubt(message) from error
        except Refused:
            if target == CANCELLED and len(of_order(self._base, ref)) != len(shipments):
                return False  # it was shipped under our hands
            raise
        if not _reached(self._existing(ref), target, shipments):
            message = f"1C took the status {target} for the order {ref} and does not show it."
            raise Refused(message, code="not_applied", field="Статус")
        return True

    def _post(self, ref: str, change: Native, before: Native) -> None:
        try:
            post(self._base, DOCUMENT, ref)
        except Refused:
            self._undo(ref, change, before)
            raise

    def _undo(self, ref: str, change: Native, before: Native) -> None:
        """Take back a change that 1C would not post, unless somebody has gone on from it."""
        order = self._existing(ref)
        if order.get("Статус") == change["Статус"]:
            self._base.change(DOCUMENT, ref, before, version=str(order.get("DataVersion") or ""))

    def _change(self, order: Native, target: str, reason: str, shipments: Sequence[Native]) -> Native:
        metadata = self._base.metadata()
        change: dict[str, Any] = {"Статус": _status(target)}
        if target == CANCELLED:
            change |= self._cancelled(order, shipments, metadata)
        told = str(order.get("Комментарий") or "")
        words = [word for word in (reason, LATE if shipments else "") if word and word not in told]
        if words:
            change["Комментарий"] = "\n".join((told, *words)).strip()
        metadata.require(DOCUMENT, change)
        return change

    def _cancelled(self, order: Native, shipments: Sequence[Native], metadata: Metadata) -> Native:
        """Return the rows with all cancelled but what was shipped; and then what that comes to."""
        if not shipments:
            return {"Товары": [self._cancelled_line(row, metadata) for row in order.get("Товары", ())]}
        known = metadata.properties(ROW)
        rows = cancel_unshipped(
            order.get("Товары") or (),
            quantities(goods(shipments)),
            self._options.order,
            with_vat=order.get("ЦенаВключаетНДС") is not False,
        )
        lines = [self._cancelled_line(row, metadata) if gone else _plain(row, known) for row, gone in rows]
        standing = (number(line.get("СуммаСНДС")) for line in lines if line.get("Отменено") is not True)
        numbered = [{**line, "LineNumber": str(at)} for at, line in enumerate(lines, 1)]
        return {"Товары": numbered, "СуммаДокумента": sum(standing, Decimal(0))}

    def _cancelled_line(self, row: Native, metadata: Metadata) -> Native:
        """Return the line as it is, cancelled in the way that this version of UT has."""
        known = metadata.properties(ROW)
        line = _plain(row, known)
        reason = self._options.order.cancel_reason if self._options.order else None
        if "Отменено" in known:
            line["Отменено"] = True
        if reason and "ПричинаОтмены_Key" in known:
            line["ПричинаОтмены_Key"] = reason
        return line


def _plain(row: Native, known: Container[str]) -> Native:
    return {name: value for name, value in row.items() if name in known and name != "Ref_Key"}


def _status(target: str) -> str:
    return CLOSED if target == CANCELLED else target


def _all_cancelled(lines: Sequence[Native]) -> bool:
    return bool(lines) and all(line.get("Отменено") is True for line in lines)


def _reached(order: Native, target: str, shipments: Sequence[Native] = ()) -> bool:
    status, rows = order.get("Статус"), order.get("Товары") or ()
    if target == CANCELLED and shipments:
        told = LATE in str(order.get("Комментарий") or "")
        return status == CLOSED and told and stands_as_shipped(rows, quantities(goods(shipments)))
    if target == CANCELLED:
        return status == CLOSED and _all_cancelled(rows)
    return status in STEPS and STEPS.index(str(status)) >= STEPS.index(target)
