"""OrderStatus: one step in an order's life. Every step matters and their order too, so it is history."""

from __future__ import annotations

from typing import ClassVar, Literal

from obmen.entities.base import Instant, Key, Record, Text

Status = Literal["new", "confirmed", "assembling", "ready", "shipped", "delivered", "cancelled", "returned", "disputed"]


class OrderStatus(Record):
    """What an order became. ``sequence`` is given by the ledger: the n-th step that was seen of this order.

    ``new`` was taken by the channel; ``confirmed`` is promised to the buyer; ``assembling`` is being packed;
    ``ready`` is packed and waits for the carrier; ``shipped`` is with the carrier; the rest end its life or,
    as ``disputed``, need a person.
    """

    entity: ClassVar[str] = "order_status"
    key_fields: ClassVar[tuple[str, ...]] = ("channel", "number")
    history: ClassVar[bool] = True
    subject: ClassVar[tuple[str, tuple[str, ...]]] = ("order", ("channel", "number"))

    channel: Key
    number: Key
    status: Status
    occurred_at: Instant | None = None
    reason: Text | None = None
    tracking: Text | None = None
