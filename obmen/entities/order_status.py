"""OrderStatus: one step in an order's life. Every step matters and their order too, so it is history."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from obmen.entities.base import Instant, Key, Part, Personal, Quantity, Record, Text

Status = Literal["new", "confirmed", "assembling", "ready", "shipped", "delivered", "cancelled", "returned", "disputed"]


class PackedLine(Part):
    """So much of an order's line lies in a package; ``marks`` are the marking codes of its units.

    A marking code can be used by whoever holds it, so it is shown as little as personal data.
    """

    sku: Key
    quantity: Annotated[Quantity, Field(gt=0)]
    line_id: Text | None = None
    marks: tuple[str, ...] | None = Personal


class Package(Part):
    """One box of an order."""

    lines: Annotated[tuple[PackedLine, ...], Field(min_length=1)]
    tracking: Text | None = None


class OrderStatus(Record):
    """What an order became. ``sequence`` is given by the ledger: the n-th step that was seen of this order.

    ``new`` was taken by the channel; ``confirmed`` is promised to the buyer; ``assembling`` is being packed;
    ``ready`` is packed and waits for the carrier; ``shipped`` is with the carrier; the rest end its life or,
    as ``disputed``, need a person.

    ``packages`` belong to ``ready``: without them everything lies in one; with them, what lies in none is
    cancelled. They may go with later steps too, for a channel that was never told ``ready``.

    ``document`` is the number of the order's document in the books, where it is they who tell the step.
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
    packages: tuple[Package, ...] | None = None
    document: Text | None = None
