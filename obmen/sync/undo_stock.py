"""How much of stock may go back when a run is undone: what buyers took stays taken, and no unit is promised twice.

A number that a run wrote may hang on an order as well as on its source. To put back what stood there before would put
the sold unit on sale again, and nothing would ever lower it: the source counted that order long ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from obmen.entities import Order, Stock, join_key, split_key
from obmen.rules.allocation import bound_to
from obmen.state import Transaction, facts, runs, tables
from obmen.state.given import among, given
from obmen.sync import reckon
from obmen.sync.flow import Flow
from obmen.sync.sales import FRESH

_W = tables.written
_PLACE = sa.and_(given(_W.c.connection, _W.c.entity), among(_W.c.key))
_ORDERED = sa.select(_W.c.key, _W.c.before, _W.c.after).where(_PLACE, given(_W.c.run), _W.c.cause.startswith("order:"))
_TOLD = sa.select(_W.c.key, sa.func.max(_W.c.at)).where(_PLACE, _W.c.run < sa.bindparam("of_run")).group_by(_W.c.key)
_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Room:
    """``taken``: what the run took off because of orders. ``most``: above that nothing goes back, None for no limit.

    ``sold``: other channels sold of it since what would go back was told.
    """

    taken: Decimal = _NONE
    most: Decimal | None = None
    sold: bool = False

    def limited(self, before: Decimal, now: Decimal) -> tuple[Decimal, str]:
        """Return how much goes back of what stood there before, and why not all of it; never less than is shown now."""
        back = max(before - self.taken, _NONE)
        why = f"buyers took {before - back:f} of the {before:f} since" if back < before else ""
        if self.most is None or back <= max(now, self.most):
            return back, why
        allowed = f"the rules allow {self.most:f} now, and not the {before:f} of before"
        return max(now, self.most), f"other channels sold of it since: {allowed}" if self.sold else (
            f"with 'oversell: off' {allowed}"
        )


class Rooms:
    """Tells how much of the stock that one run of a flow wrote may go back."""

    def __init__(self, tx: Transaction, flow: Flow, run: int) -> None:
        self._flow, self._run = flow, run
        asked = runs.get(tx, run)
        began = asked.started_at if asked is not None else tx.now
        self._sold: dict[str, dict[str, float]] = {}
        for order, read_at in facts.read_when(tx, Order, began - FRESH):
            for line in order.lines:
                of_sku = self._sold.setdefault(line.sku, {})
                of_sku[order.channel] = max(of_sku.get(order.channel, 0.0), read_at)

    def of(self, tx: Transaction, connection: str, keys: Sequence[str]) -> dict[str, Room]:
        """Return key → its room, for stock that the run wrote into one connection."""
        rules = self._flow.allocate
        if rules is None or not keys:
            return {}
        place = {"of_connection": connection, "of_entity": Stock.entity, "of_key": keys, "of_run": self._run}
        taken: dict[str, Decimal] = {}
        for key, before, after in tx.rows(_ORDERED, **place):
            taken[key] = taken.get(key, _NONE) + _available(before) - _available(after)
        told = dict(tx.rows(_TOLD, **place))
        sold = {key for key in keys if self._sold_since(key, connection, told.get(key, 0.0))}
        allowed = self._allowed(tx, connection, sold if rules.oversell else keys)
        return {key: Room(taken.get(key, _NONE), allowed.get(key), key in sold) for key in keys}

    def _sold_since(self, key: str, connection: str, told_at: float) -> bool:
        assert self._flow.allocate is not None  # noqa: S101 - its caller looks
        names = bound_to(self._flow.allocate, split_key(key)[0])
        return any(
            channel != connection and read_at >= told_at
            for name in names
            for channel, read_at in self._sold.get(name, {}).items()
        )

    def _allowed(self, tx: Transaction, connection: str, keys: Iterable[str]) -> dict[str, Decimal]:
        """Return key → what the rules would tell the connection now."""
        allowed = dict.fromkeys(keys, _NONE)
        skus = {join_key([split_key(key)[0]]) for key in allowed}
        for sku, of_sku in reckon.allotments(tx, self._flow, skus).items() if skus else ():
            for pool, allotment in of_sku.items():
                key = join_key([sku, pool])
                if key in allowed:
                    allowed[key] = Decimal(allotment.told.get(connection, 0))
        return allowed


def _available(canonical: bytes | None) -> Decimal:
    return _NONE if canonical is None else Stock.model_validate_json(canonical).available
