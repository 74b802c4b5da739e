"""What the cabinet keeps of one product: its card, prices and stock, some of them seen only after a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class Settling(Generic[Value]):
    """A value that is taken at once and seen later, as Market's prices and stock are."""

    def __init__(self) -> None:
        self.taken: list[tuple[float, Value]] = []

    def put(self, value: Value, seen_at: float) -> None:
        """Take a value that will be seen at that moment."""
        self.taken.append((seen_at, value))

    def seen(self, now: float) -> Value | None:
        """Return what is seen now."""
        return next((value for at, value in reversed(self.taken) if at <= now), None)

    @property
    def last(self) -> Value | None:
        """Return what was taken last, seen or not."""
        return self.taken[-1][1] if self.taken else None


@dataclass(frozen=True)
class Price:
    """A price, with the crossed-out one, when it was set (Unix seconds), and the least one for promotions."""

    value: Decimal
    base: Decimal | None
    currency: str
    updated_at: float
    least: Decimal | None = None


@dataclass
class Level:
    """Stock in one shop's warehouse: ``free`` may be sold, ``reserved`` is promised to buyers."""

    free: Settling[int] = field(default_factory=Settling)
    reserved: int = 0
    updated_at: float = 0.0


@dataclass
class Offer:
    """A product of the catalogue.

    ``card``: its main fields as they were sent; ``parameters``: characteristics by their id. ``moderated_at``:
    when its card is looked through; ``complaint``: what the moderators say against it; ``has_card``: whether they
    once let it pass. Prices and VAT of shops are by campaign id, and so are ``held`` prices (None: the cabinet's);
    stock is by warehouse, for a group of warehouses by the group.
    """

    offer_id: str
    sku: int
    created_at: float
    card: dict[str, Any] = field(default_factory=dict)
    category: int | None = None
    parameters: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    archived: bool = False
    moderated_at: float = 0.0
    complaint: tuple[str, str] | None = None
    has_card: bool = False
    at_market: bool = False
    price: Settling[Price] = field(default_factory=Settling)
    shop_prices: dict[int, Settling[Price]] = field(default_factory=dict)
    held: dict[int | None, Price] = field(default_factory=dict)
    vat: dict[int, int] = field(default_factory=dict)
    stocks: dict[str, Level] = field(default_factory=dict)
