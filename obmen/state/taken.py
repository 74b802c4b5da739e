"""What buyers took in the channels and the source of the stock has not told yet: it can be sold to nobody else.

Between an order and the next stock that counts it lie minutes in which every other channel would still offer the
same unit. A row stands from the moment an order is read until a reading of the stock has begun after the source
confirmed that order; so nothing is counted twice but for a moment, and nothing is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import among, given
from obmen.state.ledger import Transaction

_T = tables.taken.c
_COLUMNS = ("source", "sku", "channel", "number", "warehouse", "quantity", "taken_at", "known_at")
_ROW = tuple(_T[name] for name in _COLUMNS)
_OF = fixed(
    sa.select(*_ROW).where(given(_T.source), among(_T.sku)).order_by(_T.sku, _T.taken_at, _T.channel, _T.number)
)
_OF_ORDERS = fixed(sa.select(*_ROW).where(given(_T.channel), among(_T.number)))
_UNKNOWN = fixed(
    sa.select(_T.channel, _T.number)
    .distinct()
    .where(given(_T.source), _T.known_at.is_(None), _T.taken_at < sa.bindparam("before"))
)
_KNOWN = fixed(
    sa.update(tables.taken)
    .where(given(_T.source, _T.channel), among(_T.number), _T.known_at.is_(None))
    .values(known_at=sa.bindparam("now"))
)
_COUNTED = sa.and_(given(_T.source), _T.known_at <= sa.bindparam("began"))
_ANY = fixed(sa.select(sa.literal(1)).select_from(tables.taken).limit(1))
_FREED = sa.and_(given(_T.channel), among(_T.number))


class Taken(NamedTuple):
    """So much of one SKU in one order; ``warehouse`` is empty where the channel does not tell it.

    ``taken_at``: when the order was read; ``known_at``: when the source confirmed it. Unix seconds.
    """

    source: str
    sku: str
    channel: str
    number: str
    warehouse: str
    quantity: Decimal
    taken_at: float
    known_at: float | None


def save(tx: Transaction, rows: Sequence[Taken]) -> None:
    """Note what was taken; what stands for the same order keeps its times."""
    given_rows = [(*row[:5], str(row.quantity), *row[6:]) for row in rows]
    tx.upsert(tables.taken, _COLUMNS, given_rows, keep=("taken_at", "known_at"))


def of(tx: Transaction, source: str, skus: Iterable[str]) -> dict[str, list[Taken]]:
    """Return SKU → what orders that ``source`` has not counted yet took of it, the oldest first."""
    found: dict[str, list[Taken]] = {}
    if tx.one(_ANY) is None:
        return found
    for row in tx.rows(_OF, of_source=source, of_sku=skus):
        found.setdefault(row[1], []).append(_taken(row))
    return found


def of_orders(tx: Transaction, channel: str, numbers: Iterable[str]) -> list[Taken]:
    """Return what stands for these orders of a channel."""
    if tx.one(_ANY) is None:
        return []
    return [_taken(row) for row in tx.rows(_OF_ORDERS, of_channel=channel, of_number=numbers)]


def unknown(tx: Transaction, source: str, before: float) -> list[tuple[str, str]]:
    """Return channel and number of the orders, read before a time, that a source has not confirmed."""
    if tx.one(_ANY) is None:
        return []
    return [(row[0], row[1]) for row in tx.rows(_UNKNOWN, of_source=source, before=before)]


def known(tx: Transaction, source: str, channel: str, numbers: Sequence[str]) -> None:
    """Note that the source has these orders now; the next stock that is read counts them."""
    if tx.one(_ANY) is not None:
        tx.run(_KNOWN, of_source=source, of_channel=channel, of_number=numbers, now=tx.now)


def counted(tx: Transaction, source: str, began: float) -> list[str]:
    """Forget the orders that a reading of the stock which began then has counted; return their SKUs."""
    if tx.one(_ANY) is None:
        return []
    skus = [sku for (sku,) in tx.rows(sa.select(_T.sku).distinct().where(_COUNTED), of_source=source, began=began)]
    if skus:
        tx.run(sa.delete(tables.taken).where(_COUNTED), of_source=source, began=began)
    return skus


def freed(tx: Transaction, channel: str, numbers: Sequence[str]) -> None:
    """Forget orders that were given up before the source knew them."""
    tx.run(sa.delete(tables.taken).where(_FREED), of_channel=channel, of_number=numbers)


def _taken(row: Sequence[object]) -> Taken:
    source, sku, channel, number, warehouse, quantity, taken_at, known_at = row
    return Taken(
        str(source), str(sku), str(channel), str(number), str(warehouse), Decimal(str(quantity)),
        taken_at, known_at,  # type: ignore[arg-type]  # as the columns are
    )  # fmt: skip
