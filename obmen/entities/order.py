"""Order: what a buyer took in a channel, with its lines, delivery and payments."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from obmen.entities.base import Currency, Instant, Key, Measure, Money, Part, Personal, Quantity, Record, Text
from obmen.entities.product import Vat

DeliveryKind = Literal["courier", "pickup", "self", "marketplace"]


class OrderLine(Part):
    """One line as the buyer took it; two lines of one SKU stay two lines. ``price`` is for one unit."""

    sku: Key
    quantity: Annotated[Quantity, Field(gt=0)]
    price: Money
    name: Text | None = None
    line_id: Text | None = None
    discount: Money | None = None
    total: Money | None = None
    vat: Vat | None = None


class OrderCustomer(Part):
    """Who bought: personal data, shown nowhere but in the systems that need it."""

    name: str | None = Personal
    phone: str | None = Personal
    email: str | None = Personal


class Delivery(Part):
    """How the goods travel. ``ship_by`` is the latest time for handing them over."""

    kind: DeliveryKind | None = None
    service: Text | None = None
    address: str | None = Personal
    pickup_point: Text | None = None
    warehouse: Text | None = None
    tracking: Text | None = None
    cost: Money | None = None
    ship_by: Instant | None = None
    weight_kg: Measure | None = None


class Payment(Part):
    """A payment that was made or is due."""

    kind: Text
    amount: Money
    paid: bool | None = None


class Order(Record):
    """An order, known by its channel (the connection that took it) and the number it has there.

    ``document`` is the number of its document in the books, by which people there know it.
    """

    entity: ClassVar[str] = "order"
    key_fields: ClassVar[tuple[str, ...]] = ("channel", "number")
    identity: ClassVar[bool] = True
    fact: ClassVar[bool] = True

    channel: Key
    number: Key
    placed_at: Instant
    currency: Currency
    lines: Annotated[tuple[OrderLine, ...], Field(min_length=1)]
    customer: OrderCustomer | None = None
    delivery: Delivery | None = None
    payments: tuple[Payment, ...] | None = None
    total: Money | None = None
    bonuses_spent: Money | None = None
    comment: str | None = Personal
    document: Text | None = None
