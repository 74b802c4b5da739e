"""BonusAccount and BonusOperation: what a buyer may spend, and each step that made it so."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from obmen.entities.base import Instant, Key, Personal, Record, Text, plain

Points = Annotated[Decimal, Field(max_digits=17, decimal_places=4), AfterValidator(plain)]
OperationKind = Literal["accrual", "redeem", "expire", "correct", "refund"]


class BonusAccount(Record):
    """A loyalty card's account. ``balance`` can be spent now; ``pending`` will be later; both in points.

    ``customer`` is a Customer's key, ``program`` the loyalty programme's name.
    """

    entity: ClassVar[str] = "bonus_account"
    key_fields: ClassVar[tuple[str, ...]] = ("card",)
    identity: ClassVar[bool] = True

    card: Key
    balance: Points | None = None
    pending: Points | None = None
    level: Text | None = None
    customer: Text | None = None
    program: Text | None = None


class BonusOperation(Record):
    """One operation on an account: never changed once it is confirmed, and never said twice.

    ``amount`` is signed: positive adds points. ``order`` is ``channel|number`` of the order that it belongs to.
    """

    entity: ClassVar[str] = "bonus_operation"
    key_fields: ClassVar[tuple[str, ...]] = ("operation_id",)
    identity: ClassVar[bool] = True
    fact: ClassVar[bool] = True

    operation_id: Key
    card: Key
    amount: Points
    kind: OperationKind | None = None
    state: Literal["pending", "confirmed", "cancelled"] | None = None
    occurred_at: Instant | None = None
    starts_at: Instant | None = None
    expires_at: Instant | None = None
    order: Text | None = None
    comment: str | None = Personal
