"""Return and Receipt: goods that came back, and what was sold over a counter."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from obmen.entities.base import Currency, Instant, Key, Money, Part, Personal, Quantity, Record, Text
from obmen.entities.order import OrderLine, Payment

ReturnState = Literal["requested", "approved", "in_transit", "received", "refunded", "rejected", "cancelled"]


class ReturnLine(Part):
    """One line that comes back. ``price`` is what was paid for one unit; ``line_id`` the order's line, if known."""

    sku: Key
    quantity: Annotated[Quantity, Field(gt=0)]
    price: Money | None = None
    total: Money | None = None
    line_id: Text | None = None
    reason: Text | None = None


class Return(Record):
    """Goods that a buyer gives back; ``order`` is the number of the order in the same channel."""

    entity: ClassVar[str] = "return"
    key_fields: ClassVar[tuple[str, ...]] = ("channel", "number")
    identity: ClassVar[bool] = True
    fact: ClassVar[bool] = True

    channel: Key
    number: Key
    order: Text | None = None
    state: ReturnState | None = None
    occurred_at: Instant | None = None
    currency: Currency | None = None
    lines: Annotated[tuple[ReturnLine, ...], Field(min_length=1)]
    total: Money | None = None
    warehouse: Text | None = None
    reason: Text | None = None
    comment: str | None = Personal


class Receipt(Record):
    """What was sold (or taken back) over a counter, as the till or the day's report says it.

    ``store`` is the till or the shop; ``card`` the loyalty card that was shown; ``customer`` a Customer's key.
    """

    entity: ClassVar[str] = "receipt"
    key_fields: ClassVar[tuple[str, ...]] = ("channel", "number")
    identity: ClassVar[bool] = True
    fact: ClassVar[bool] = True

    channel: Key
    number: Key
    kind: Literal["sale", "return", "report"]
    occurred_at: Instant
    currency: Currency | None = None
    lines: tuple[OrderLine, ...] = ()
    payments: tuple[Payment, ...] | None = None
    total: Money | None = None
    bonuses_spent: Money | None = None
    store: Text | None = None
    warehouse: Text | None = None
    card: str | None = Personal
    customer: Text | None = None
