"""Accrual: money that a channel adds to what it owes the seller, or takes off it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from obmen.entities.base import Currency, Instant, Key, Quantity, Record, Text, plain

AccrualKind = Literal[
    "sale",
    "refund",
    "commission",
    "delivery",
    "return_delivery",
    "storage",
    "advertising",
    "acquiring",
    "penalty",
    "compensation",
    "bonus",
    "payout",
    "other",
]
SignedMoney = Annotated[Decimal, Field(max_digits=17, decimal_places=4), AfterValidator(plain)]


class Accrual(Record):
    """One operation of a channel's account with the seller.

    ``amount`` is positive where it is the seller's gain. ``operation_id`` names it among all of the channel's
    operations, and stays the same when a report is read again. ``order`` is the order's number in that
    channel; ``title`` is how the channel calls the operation; ``report`` is the channel's own paper in which it
    stands (a report, a statement, a payment order), where the channel names one.
    """

    entity: ClassVar[str] = "accrual"
    key_fields: ClassVar[tuple[str, ...]] = ("channel", "operation_id")
    fact: ClassVar[bool] = True

    channel: Key
    operation_id: Key
    kind: AccrualKind
    amount: SignedMoney
    currency: Currency
    occurred_at: Instant
    order: Text | None = None
    sku: Text | None = None
    quantity: Quantity | None = None
    title: Text | None = None
    report: Text | None = None
