"""Orders for 1C to fetch, and what 1C says of them.

An order lies ready until 1C has confirmed the very revision of it that it was given; giving it twice is
harmless, since 1C knows it by its number. 1C cuts numbers after eleven characters and would take two orders for
one, so each order has a short number, made of its channel and number and kept for ever.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from connectors.onec.site.database import Database
from connectors.onec.site.documents import CANCELLED, LONGEST_NUMBER, document, head, package
from connectors.onec.site.options import SiteOptions
from obmen.clock import Clock
from obmen.errors import LATE_CANCEL, Refused
from obmen.records import Batch, Native, Outcome, Page, RecordError

KEY = ("Канал", "НомерПоДаннымКлиента")
ASK_AGAIN = 60.0
"""Seconds between two looks whether 1C has come."""
_PAGE = 500
_PAST_AGREEMENT = {"Проведен": "is agreed", "Отгружен": "is shipped"}
"""Состояние → what 1C made of an order that takes no changes from outside any more."""
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ"
_SIGNS = "0123456789" + _LETTERS


class SiteOrders:
    """The orders in an exchange folder: written by a flow, handed out by the endpoint."""

    def __init__(self, folder: Path, options: SiteOptions, clock: Clock) -> None:
        self._database = Database(folder)
        self._options, self._clock = options, clock

    def write(self, batch: Batch) -> Iterator[Outcome]:
        """Lay orders ready; what ails one stays with it. The ticket names the revision that 1C has to take."""
        for item in batch.items:
            try:
                ticket = self._lay_ready(item.payload)
            except Refused as refused:
                yield batch.refused(item.id, [RecordError(refused.code, str(refused), refused.field)])
            else:
                yield batch.accepted(item.id, ticket, ASK_AGAIN)

    def write_statuses(self, batch: Batch) -> Iterator[Outcome]:
        """Have 1C fetch orders again with their new status; a payload is ``Ref_Key``, ``Статус``, ``Причина``."""
        for item in batch.items:
            short = str(item.payload.get("Ref_Key", ""))
            state: Native = {name: item.payload[name] for name in ("Статус", "Причина") if name in item.payload}
            with self._database.writing() as tx:
                rows = tx.execute("SELECT revision, state FROM orders WHERE short = ?", (short,)).fetchall()
                if rows and rows[0][1] != _encoded(state):
                    rows = [(_revise(tx, short, "state", _encoded(state)),)]
            if rows:
                yield batch.accepted(item.id, f"{short}/{rows[0][0]}", ASK_AGAIN)
            else:
                message = f"The exchange folder knows no order {short}: was it replaced by another?"
                yield batch.refused(item.id, [RecordError("no_order", message, "Ref_Key")])

    def poll(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Tell whether 1C has taken a revision; the order's native id is its short number."""
        short, _, revision = ticket.partition("/")
        with self._database.reading() as tx:
            rows = tx.execute("SELECT confirmed FROM orders WHERE short = ?", (short,)).fetchall()
        for item in batch.items:
            if not rows:
                yield batch.later(item.id, "The exchange folder was emptied; the order is laid ready again.", 0.0)
            elif rows[0][0] >= int(revision):
                yield batch.done(item.id, short)

    def poll_statuses(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Do the same; a cancellation that 1C fetched and leaves aside, as it does of what is agreed, is a task.

        1C tells of the cancelled order when it sends its orders back, in the same exchange or a later one.
        """
        short, _, _ = ticket.partition("/")
        for outcome in self.poll(ticket, batch):
            cancels = outcome.kind == "done" and batch.item(outcome.id).payload.get("Статус") == CANCELLED
            state = self._answered(short) if cancels else ""
            if state in _PAST_AGREEMENT:
                message = (
                    f"1C has fetched the cancellation of the order {short} and leaves it aside, for the order"
                    f" {_PAST_AGREEMENT[state]} there. Cancel it in 1C: then this entry closes itself. If its goods"
                    " have left, make a return on the shipment, and drop this entry."
                )
                yield batch.refused(outcome.id, [RecordError(LATE_CANCEL, message, "Статус")])
            else:
                yield outcome

    def _answered(self, short: str) -> str:
        """Return the Состояние that 1C told last of an order; empty where it told nothing yet."""
        query = "SELECT record FROM answers WHERE short = ? ORDER BY position DESC LIMIT 1"
        with self._database.reading() as tx:
            rows = tx.execute(query, (short,)).fetchall()
        return str(_decoded(rows[0][0])["Состояние"]) if rows else ""

    def find(self, channel: str, number: str) -> str | None:
        """Return the short number of an order that 1C has taken."""
        query = "SELECT short FROM orders WHERE channel = ? AND number = ? AND confirmed > 0"
        with self._database.reading() as tx:
            rows: list[tuple[str]] = tx.execute(query, (channel, number)).fetchall()
        return rows[0][0] if rows else None

    def read(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield orders as they were last laid ready, by ``channel|number``."""
        for id_ in ids:
            channel, _, number = id_.partition("|")
            query = "SELECT payload FROM orders WHERE channel = ? AND number = ?"
            with self._database.reading() as tx:
                rows = tx.execute(query, (channel, number)).fetchall()
            yield from (_decoded(payload) for (payload,) in rows)

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many orders 1C has yet to take, and since when the oldest of them waits."""
        with self._database.reading() as tx:
            query = "SELECT count(*), min(written_at) FROM orders WHERE revision > confirmed"
            count, oldest = tx.execute(query).fetchall()[0]
        zone = self._clock.now().tzinfo
        return count, None if oldest is None else datetime.fromtimestamp(oldest, zone)

    def give(self) -> tuple[bytes, dict[str, int]]:
        """Return the file for 1C with all orders that wait, and the revision of each that is in it."""
        query = "SELECT short, payload, state, revision FROM orders WHERE revision > confirmed ORDER BY position"
        with self._database.reading() as tx:
            rows = tx.execute(query).fetchall()
        built = (
            document(short, _decoded(order), _decoded(state), self._options.buyer) for short, order, state, _ in rows
        )
        text = package(built, self._options.encoding, self._clock.now())
        return text, {short: revision for short, _, _, revision in rows}

    def confirm(self, given: Mapping[str, int]) -> None:
        """Note that 1C has taken these revisions; a newer one goes on waiting."""
        with self._database.writing() as tx:
            query = "UPDATE orders SET confirmed = max(confirmed, ?) WHERE short = ?"
            tx.executemany(query, [(revision, short) for short, revision in given.items()])

    def _lay_ready(self, order: Native) -> str:
        """Keep an order; return its ticket. Raises Refused."""
        document("", order, {}, self._options.buyer)
        channel, number = (str(order[name]) for name in KEY)
        payload = _encoded(order)
        query = "SELECT short, payload, revision FROM orders WHERE channel = ? AND number = ?"
        with self._database.writing() as tx:
            known = tx.execute(query, (channel, number)).fetchall()
            if not known:
                short, revision = _free_number(tx, channel, number), 1
                row = (short, channel, number, payload, _encoded({}), self._clock.now().timestamp())
                tx.execute(_NEW, row)
            else:
                short, before, revision = known[0]
                if before != payload:
                    revision = _revise(tx, short, "payload", payload)
        return f"{short}/{revision}"


_NEW = "INSERT INTO orders (short, channel, number, payload, state, revision, written_at) VALUES (?, ?, ?, ?, ?, 1, ?)"


def keep_answers(database: Database, orders: Iterable[Native]) -> None:
    """Keep what 1C says of orders that are ours, where it differs from what it said last; all of it or nothing."""
    with database.writing() as tx:
        for order in orders:
            short = order["Ref_Key"]
            known = tx.execute("SELECT channel, number FROM orders WHERE short = ?", (short,)).fetchall()
            if not known:
                continue
            native = {**order, **dict(zip(KEY, known[0], strict=True))}
            if comment := str(native.pop("Комментарий", "")).removeprefix(head(native)).strip():
                native["Комментарий"] = comment
            query = "SELECT record FROM answers WHERE short = ? ORDER BY position DESC LIMIT 1"
            last = tx.execute(query, (short,)).fetchall()
            if not last or last[0][0] != _encoded(native):
                tx.execute("INSERT INTO answers (short, record) VALUES (?, ?)", (short, _encoded(native)))


def read_answers(folder: Path, cursor: str | None) -> Iterator[Page]:
    """Yield what 1C has said of our orders since the cursor, oldest first.

    Natives: ``Ref_Key`` (the native id), ``Канал``, ``НомерПоДаннымКлиента``, ``Состояние`` (НеПроведен, Проведен,
    Отгружен, Отменен, ПомеченНаУдаление), ``НомерПо1С``, ``ДатаПо1С``, ``НомерОплаты``, ``ДатаОплаты``,
    ``НомерОтгрузки``, ``ДатаОтгрузки``, ``Статус``, ``Товары``, and all ``Реквизиты`` by name.
    """
    database = Database(folder)
    position = int(cursor or 0)
    while True:
        query = "SELECT position, record FROM answers WHERE position > ? ORDER BY position LIMIT ?"
        with database.reading() as tx:
            rows = tx.execute(query, (position, _PAGE)).fetchall()
        if not rows:
            return
        position = rows[-1][0]
        yield Page([record for _, record in rows], cursor=str(position), where=str(folder))


def read_statuses(folder: Path, cursor: str | None) -> Iterator[Page]:
    """Yield the same but for orders that are marked for deletion: so 1C tidies doubles away; nobody cancelled."""
    mark = '"Состояние":"ПомеченНаУдаление"'.encode()
    for page in read_answers(folder, cursor):
        yield replace(page, slices=[record for record in page.slices if mark not in record])


def short_number(channel: str, number: str, attempt: int = 0) -> str:
    """Return a number of eleven characters for an order; the same for the same order, whatever came before."""
    told = "\0".join((channel, number, *([str(attempt)] if attempt else [])))
    left = int.from_bytes(hashlib.sha256(told.encode()).digest())
    left, letter = divmod(left, len(_LETTERS))
    signs = [_LETTERS[letter]]
    while len(signs) < LONGEST_NUMBER:
        left, sign = divmod(left, len(_SIGNS))
        signs.append(_SIGNS[sign])
    return "".join(signs)


def _free_number(tx: sqlite3.Connection, channel: str, number: str) -> str:
    attempt = 0
    while tx.execute("SELECT 1 FROM orders WHERE short = ?", (short_number(channel, number, attempt),)).fetchall():
        attempt += 1
    return short_number(channel, number, attempt)


def _revise(tx: sqlite3.Connection, short: str, column: str, value: bytes) -> int:
    query = f"UPDATE orders SET {column} = ?, revision = revision + 1 WHERE short = ?"  # noqa: S608 - one of two columns
    tx.execute(query, (value, short))
    ((revision,),) = tx.execute("SELECT revision FROM orders WHERE short = ?", (short,)).fetchall()
    return int(revision)


def _encoded(value: Native) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _decoded(raw: bytes) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(raw)
    return decoded
