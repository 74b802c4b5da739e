"""What people in 1C have left of an order, apart from what its channel took out of it by itself.

Both stand in 1C as cancelled lines, and only the seller's own are news to the channel. Told of those that it made,
it would be asked a second time to pack what it knows is left, and a part that a buyer gave up would look like one
that the seller refuses. So what we cancel on the channel's word is kept in mind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from connectors.onec.odata.lines import ZERO, number, product_id
from obmen.memory import Memory, ShortMemory
from obmen.records import Native

Quantities = dict[str, Decimal]
"""How much, by product's id."""


class _Noted(msgspec.Struct):
    """``ours``: what the channel took out, once 1C has more cancelled than ``cancelled``; till then ``ours_before``."""

    cancelled: Quantities
    ours_before: Quantities
    ours: Quantities


class CancelledLines:
    """The cancelled lines of one base's orders, and whose doing they are."""

    def __init__(self, memory: Callable[[], Memory] | None = None) -> None:
        short = ShortMemory()
        self._memory = memory or (lambda: short)

    def note(self, ref: str, before: Sequence[Native], after: Sequence[Native]) -> bool:
        """Keep in mind that lines are about to be cancelled on the channel's word; return whether any are.

        Noted before it is done: whether it was can be seen later from the order itself, however the call ended.
        """
        was, will = _cancelled(before), _cancelled(after)
        if was == will:
            return False
        ours = self._channels(ref, was)
        more = {product: quantity - was.get(product, ZERO) for product, quantity in will.items()}
        then = {product: ours.get(product, ZERO) + more.get(product, ZERO) for product in ours | more}
        self._memory().put(_name(ref), msgspec.json.encode(_Noted(was, ours, then)))
        return True

    def unnote(self, ref: str) -> None:
        """Forget the last note: what it was about has surely not been done."""
        kept = self._memory().get(_name(ref))
        if kept is not None:
            noted = msgspec.json.decode(kept, type=_Noted)
            noted.ours = noted.ours_before
            self._memory().put(_name(ref), msgspec.json.encode(noted))

    def packed(self, ref: str, rows: Sequence[Native]) -> list[Native]:
        """Return what is left to be packed, as the one package that it is: ``Товары`` of ``Товар``, ``Количество``.

        Empty where people cancelled nothing, or left nothing.
        """
        cancelled = _cancelled(rows)
        if not cancelled:
            return []
        ours = self._channels(ref, cancelled)
        left = _quantities(row for row in rows if row.get("Отменено") is not True)
        if not left or all(quantity <= ours.get(product, ZERO) for product, quantity in cancelled.items()):
            return []
        return [{"Товары": [{"Товар": product, "Количество": left[product]} for product in sorted(left)]}]

    def _channels(self, ref: str, cancelled: Mapping[str, Decimal]) -> Quantities:
        kept = self._memory().get(_name(ref))
        if kept is None:
            return {}
        noted = msgspec.json.decode(kept, type=_Noted)
        return noted.ours_before if noted.cancelled == cancelled else noted.ours


def _quantities(rows: Iterable[Native]) -> Quantities:
    """Return how much of each product lines hold together; a line that was split counts as one."""
    found: Quantities = {}
    for row in rows:
        if quantity := number(row.get("Количество")):
            found[product_id(row)] = found.get(product_id(row), ZERO) + quantity
    return found


def _cancelled(rows: Iterable[Native]) -> Quantities:
    return _quantities(row for row in rows if row.get("Отменено") is True)


def _name(ref: str) -> str:
    return f"cancelled:{ref}"
