"""Facts as reports need them: the fields of canonical records that money is reckoned from, decoded quickly.

A month of a large shop is a million accruals; whole canonical records would cost ten times the memory and time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec

ZERO = Decimal(0)


class OrderLine(msgspec.Struct, frozen=True, gc=False):
    """One line of an order or of a return; ``price`` is for one unit."""

    sku: str
    quantity: Decimal
    price: Decimal | None = None
    total: Decimal | None = None
    vat: str | None = None

    @property
    def sum(self) -> Decimal:
        """What the line comes to; 0 where no price is known."""
        if self.total is not None:
            return self.total
        return self.price * self.quantity if self.price is not None else ZERO


class Order(msgspec.Struct, frozen=True):
    """An order as it was taken."""

    channel: str
    number: str
    placed_at: datetime
    currency: str
    lines: tuple[OrderLine, ...] = ()
    total: Decimal | None = None

    @property
    def sum(self) -> Decimal:
        """What the goods come to."""
        return sum((line.sum for line in self.lines), ZERO)


class Status(msgspec.Struct, frozen=True, gc=False):
    """Where an order stands now."""

    channel: str
    number: str
    status: str
    occurred_at: datetime | None = None


class Return(msgspec.Struct, frozen=True):
    """Goods that come back."""

    channel: str
    number: str
    order: str | None = None
    state: str | None = None
    occurred_at: datetime | None = None
    lines: tuple[OrderLine, ...] = ()
    total: Decimal | None = None


class Accrual(msgspec.Struct, frozen=True, gc=False):
    """One operation of a channel's account with the seller; positive where it is the seller's gain.

    ``report``: the channel's own paper in which it stands, where the channel names one.
    """

    channel: str
    operation_id: str
    kind: str
    amount: Decimal
    currency: str
    occurred_at: datetime
    order: str | None = None
    sku: str | None = None
    quantity: Decimal | None = None
    title: str | None = None
    report: str | None = None

    @property
    def paid(self) -> bool:
        """Whether it is a payout: money that left the account for the seller's bank."""
        return self.kind == "payout"


@dataclass(frozen=True, slots=True)
class Document:
    """What another system (1C) made of an order: its connection, its id there, and its total."""

    connection: str
    id: str
    total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a settlement is reckoned from.

    ``documents``: (channel, order's number) → what 1C made of it. ``categories``: SKU → category.
    ``read``: channel → the entities that the project reads from it: only of these does absence mean anything.
    ``documented``: the channels whose orders go into 1C.
    """

    orders: Sequence[Order] = ()
    statuses: Sequence[Status] = ()
    returns: Sequence[Return] = ()
    accruals: Sequence[Accrual] = ()
    documents: Mapping[tuple[str, str], Document] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[str, frozenset[str]] = field(default_factory=dict)
    documented: frozenset[str] = frozenset()
